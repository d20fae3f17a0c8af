-- grain: one row
-- reason: what does not come tonight, as nearly every night, is not looked for in one statement after another
SELECT count(*) AS loads, count(replays_load_id) AS replays,
    count(*) FILTER (replaces_load_id IS NOT NULL OR watermark IS NOT NULL) AS replacing
FROM landing.loads WHERE status = 'staged';
