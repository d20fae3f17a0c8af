-- grain: version
UPDATE segments.versions SET status = 'withdrawn'
WHERE status = 'held' AND as_of = (SELECT as_of FROM segments.versions WHERE version_id = $version_id);
UPDATE segments.versions SET status = 'held', held_reasons = $reasons WHERE version_id = $version_id;
DELETE FROM segments.assignments WHERE version_id IN (SELECT version_id FROM segments.versions WHERE status = 'withdrawn');
