-- grain: accepted delivery
-- reason: deliveries are judged and accepted together, so all those of a run have the same checks
WITH judged AS (
    SELECT r.started_at AS accepted_at, count(*) AS checks, count(*) FILTER (NOT c.success) AS failed_checks,
        string_agg(c.meaning, '; ' ORDER BY c.meaning) FILTER (NOT c.success) AS failed_check_meanings
    FROM ops.runs AS r JOIN ops.checks AS c USING (run_id)
    WHERE c.suite LIKE 'batch%' OR c.suite = 'freshness'
    GROUP BY r.started_at
)
SELECT load_id, source, unit, received_at, first_shop_day, last_shop_day, delivered_lines, delivered_amount,
    purchase_lines, purchase_amount, return_lines, return_amount, unattributed_lines, unattributed_amount,
    quarantined_lines, quarantined_amount, duplicate_lines, duplicate_amount, rounded_lines, erased_lines, erased_amount,
    replayed_lines, replayed_amount, closed_lines, closed_amount,
    (purchase_lines + return_lines) / nullif(delivered_lines, 0) AS retained_share,
    CAST(unattributed_amount AS DOUBLE)
        / nullif(CAST(purchase_amount + return_amount + unattributed_amount AS DOUBLE), 0) AS unattributed_share,
    coalesce(checks, 0) AS checks, coalesce(failed_checks, 0) AS failed_checks, failed_check_meanings
FROM landing.loads LEFT JOIN judged USING (accepted_at)
WHERE status = 'accepted' ORDER BY load_id
