-- grain: one delivery that waits to be accepted
-- inputs: landing.loads, landing.staged_lines, landing.replaced_loads
-- reason: a new version of a unit that lost many of its usable lines is more likely torn than corrected. Of a database
--   all slices are held together to all they replace: a changed row leaves its slice for a later one.
CREATE SCHEMA IF NOT EXISTS checks;

CREATE OR REPLACE VIEW checks.batch_loads AS
WITH lines AS (
    SELECT load_id, count(*) AS lines, count(*) FILTER (WHERE outcome <> 'quarantined') AS usable_lines
    FROM landing.staged_lines
    GROUP BY load_id
),
staged AS (
    SELECT loads.*, coalesce(lines.lines, 0) AS lines, coalesce(lines.usable_lines, 0) + closed_lines AS usable_lines
    FROM landing.loads LEFT JOIN lines USING (load_id)
    WHERE status = 'staged'
),
pulled AS (
    SELECT
        (SELECT sum(usable_lines) FROM staged WHERE watermark IS NOT NULL) AS usable_lines,
        sum(delivered_lines - quarantined_lines - erased_lines) AS former_lines
    FROM landing.loads
    WHERE watermark IS NOT NULL AND load_id IN (SELECT replaced_load_id FROM landing.replaced_loads)
),
compared AS (
    SELECT
        staged.*,
        former.delivered_lines - former.quarantined_lines - former.erased_lines AS replaced_usable_lines,
        CASE WHEN staged.watermark IS NULL THEN staged.usable_lines ELSE pulled.usable_lines END AS now_usable,
        CASE WHEN staged.watermark IS NULL THEN replaced_usable_lines ELSE pulled.former_lines END AS formerly_usable
    FROM staged
    CROSS JOIN pulled
    LEFT JOIN landing.loads AS former ON former.load_id = staged.replaces_load_id
)
SELECT
    load_id,
    source,
    unit,
    lines,
    usable_lines,
    replaced_usable_lines,
    CASE WHEN formerly_usable > 0 THEN greatest(0, 1 - now_usable / formerly_usable) END AS lost_share
        -- null: replaces nothing, or nothing usable
FROM compared;
