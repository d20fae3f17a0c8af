-- grain: held version made after the last one a night published
-- inputs: segments.versions
-- reason: three of them in a row are an alert of another kind than one
CREATE OR REPLACE VIEW segments.held_in_a_row AS
SELECT DISTINCT as_of FROM segments.versions
WHERE status = 'held'
    AND version_id > coalesce((
        SELECT max(version_id) FROM segments.versions WHERE status = 'published' AND trigger <> 'backfill'
    ), 0);
