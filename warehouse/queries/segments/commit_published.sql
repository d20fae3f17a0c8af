-- inputs: shared.moved_counts, of the version and its successor
-- reason: statuses follow what readers see already: `current` was swapped before this; snapshots other than the current
--   version's and held ones live in their files only
UPDATE segments.versions SET status = CASE status WHEN 'published' THEN 'superseded' ELSE status END, superseded_at = $now
WHERE version_id IN (SELECT version_id FROM segments.history WHERE as_of = $as_of AND version_id <> $version_id);
UPDATE segments.versions SET status = 'published', published_at = $now WHERE version_id = $version_id;
UPDATE segments.versions SET previous_version_id = c.previous_version_id, moved = c.moved
FROM shared.moved_counts AS c WHERE c.version_id = versions.version_id;
CREATE OR REPLACE TEMP TABLE kept_versions AS
SELECT version_id FROM segments.versions WHERE status IN ('held', 'candidate') OR version_id = $current_id;
DELETE FROM segments.assignments WHERE version_id NOT IN (FROM kept_versions);
DELETE FROM segments.map_points WHERE version_id NOT IN (FROM kept_versions);
DELETE FROM segments.map_axes WHERE version_id NOT IN (FROM kept_versions);
