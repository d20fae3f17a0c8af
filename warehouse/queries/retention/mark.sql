-- grain: version whose directory is to go
-- inputs: $daily_days, null: every date is kept; $now
-- reason: a backfilled version of an old date counts from the day it was made. A version of 1 February holds the whole of
--   January, so the last of each month is told by the day before its date. History keeps what pruned versions said.
CREATE OR REPLACE TEMP TABLE retired AS
SELECT version_id FROM segments.versions
WHERE (status = 'superseded' OR (status = 'published'
        AND created_at < $now - to_days(CAST($daily_days AS INTEGER))
        AND version_id NOT IN (SELECT arg_max(version_id, as_of) FROM segments.history GROUP BY date_trunc('month', as_of - 1))))
    AND version_id NOT IN (SELECT version_id FROM segments.pin)
    AND version_id <> coalesce((SELECT arg_max(version_id, as_of) FROM segments.versions WHERE status = 'published'), 0)
    AND version_id <> coalesce($linked, 0);
UPDATE segments.versions SET
    superseded_at = CASE status WHEN 'superseded' THEN coalesce(superseded_at, $now) END,
    status = 'pruned', pruned_at = $now
WHERE version_id IN (FROM retired);
SELECT version_id FROM retired ORDER BY version_id;
