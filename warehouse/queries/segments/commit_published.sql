-- reason: statuses follow what readers see already: `current` was swapped before this; snapshots other than the current
--   version's and held ones live in their files only
UPDATE segments.versions SET status = 'superseded'
WHERE status = 'published' AND as_of = $as_of AND version_id <> $version_id;
UPDATE segments.versions SET status = 'published', published_at = $now,
    moved = CASE WHEN previous_version_id IS NOT NULL
        THEN (SELECT count(*) FROM segments.movements WHERE version_id = $version_id) END
WHERE version_id = $version_id;
UPDATE segments.versions AS later SET previous_version_id = $version_id,
    moved = (SELECT count(*) FROM segments.movements WHERE movements.version_id = later.version_id)
WHERE status = 'published'
    AND as_of = (SELECT min(as_of) FROM segments.versions WHERE status = 'published' AND as_of > $as_of);
DELETE FROM segments.assignments WHERE version_id NOT IN (
    SELECT version_id FROM segments.versions WHERE status IN ('held', 'candidate') OR version_id = $current_id
);
