-- grain: one row about all deliveries that wait to be accepted
-- inputs: landing.staged_lines, landing.loads, sales.transaction_lines
-- reason: shares and volumes of the whole batch, from one pass over its lines; a day's usual number of lines is the
-- median of the shop days in the eight weeks before the batch's busiest day. Lines of erased customers are delivered
-- lines, but have no content to judge.
CREATE SCHEMA IF NOT EXISTS checks;

CREATE OR REPLACE VIEW checks.batch_summary AS
WITH days AS MATERIALIZED (
    SELECT
        shop_day,
        count(*) AS lines,
        count(*) FILTER (WHERE outcome <> 'quarantined') AS usable_lines,
        count(*) FILTER (WHERE outcome <> 'quarantined' AND customer_id IS NULL) AS lines_without_customer
    FROM landing.staged_lines
    WHERE load_id IN (SELECT load_id FROM landing.loads WHERE status = 'staged')
    GROUP BY shop_day
),
busiest AS MATERIALIZED (
    SELECT shop_day, usable_lines FROM days WHERE shop_day IS NOT NULL ORDER BY usable_lines DESC, shop_day LIMIT 1
),
usual AS (
    SELECT median(lines) AS day_lines
    FROM (
        SELECT count(*) AS lines
        FROM sales.transaction_lines
        WHERE shop_day >= (SELECT shop_day - 56 FROM busiest) AND shop_day < (SELECT shop_day FROM busiest)
        GROUP BY shop_day
    )
),
total AS (
    SELECT
        coalesce(sum(lines), 0)::BIGINT AS lines,
        coalesce(sum(usable_lines), 0)::BIGINT AS usable_lines,
        coalesce(sum(lines_without_customer), 0)::BIGINT AS lines_without_customer,
        (SELECT coalesce(sum(erased_lines + closed_lines), 0)::BIGINT FROM landing.loads WHERE status = 'staged') AS erased_lines
    FROM days
)
SELECT
    lines + erased_lines AS lines,
    lines - usable_lines AS quarantined_lines,
    CASE WHEN lines > 0 THEN (lines - usable_lines) / lines ELSE 0 END AS quarantined_share,
    CASE WHEN usable_lines > 0 THEN lines_without_customer / usable_lines ELSE 0 END AS missing_customer_share,
    (SELECT shop_day FROM busiest) AS busiest_day,
    (SELECT usable_lines FROM busiest) AS busiest_day_lines,
    (SELECT day_lines FROM usual) AS usual_day_lines,
    (SELECT usable_lines FROM busiest) / (SELECT day_lines FROM usual) AS day_growth   -- null: no earlier days
FROM total;
