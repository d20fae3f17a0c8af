-- grain: one delivery that waits to be accepted
-- inputs: landing.loads, landing.staged_lines
-- reason: a new version of a unit that lost many of its usable lines is more likely torn than corrected.
CREATE SCHEMA IF NOT EXISTS checks;

CREATE OR REPLACE VIEW checks.batch_loads AS
WITH staged AS (
    SELECT load_id, count(*) AS lines, count(*) FILTER (WHERE outcome <> 'quarantined') AS usable_lines
    FROM landing.staged_lines
    GROUP BY load_id
)
SELECT
    delivery.load_id,
    delivery.source,
    delivery.unit,
    coalesce(staged.lines, 0) AS lines,
    coalesce(staged.usable_lines, 0) AS usable_lines,
    former.delivered_lines - former.quarantined_lines - former.erased_lines AS replaced_usable_lines,
    CASE
        WHEN former.delivered_lines > former.quarantined_lines + former.erased_lines
            THEN greatest(0, 1 - coalesce(staged.usable_lines, 0) / (former.delivered_lines - former.quarantined_lines - former.erased_lines))
    END AS lost_share                    -- null: replaces nothing, or nothing usable
FROM landing.loads AS delivery
LEFT JOIN staged ON staged.load_id = delivery.load_id
LEFT JOIN landing.loads AS former ON former.load_id = delivery.replaces_load_id
WHERE delivery.status = 'staged';
