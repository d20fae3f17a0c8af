-- grain: one row
-- inputs: ops.run_context, landing.loads, landing.staged_lines
-- reason: how old the newest line before as_of is, accepted or about to be. Accepted loads know their first and last
-- day, which is enough: one that reaches over as_of counts as reaching the day before it.
CREATE SCHEMA IF NOT EXISTS checks;

CREATE OR REPLACE VIEW checks.freshness AS
WITH context AS (
    SELECT max(as_of) AS as_of FROM ops.run_context
),
newest AS (
    SELECT max(least(last_shop_day, (SELECT as_of - 1 FROM context))) AS shop_day
    FROM landing.loads
    WHERE status = 'accepted' AND first_shop_day < (SELECT as_of FROM context)
    UNION ALL
    SELECT max(shop_day)
    FROM landing.staged_lines
    WHERE outcome <> 'quarantined'
        AND shop_day < (SELECT as_of FROM context)
        AND load_id IN (SELECT load_id FROM landing.loads WHERE status = 'staged')
)
SELECT
    (SELECT as_of FROM context) AS as_of,
    max(shop_day) AS newest_day,         -- null: no line before as_of
    (SELECT as_of FROM context) - max(shop_day) AS days_stale    -- one: yesterday's lines are there
FROM newest;
