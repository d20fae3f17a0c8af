-- grain: month with a published date x segment
-- inputs: shared.booked_by_customer, shared.months; next_membership, next_profiles
-- reason: a version of as_of says where everybody was at the end of the day before, so one of 1 February is January's last.
--   A customer-month meets the one interval of that date; nobody's whole membership is multiplied by the months.
WITH dates AS (
    SELECT CAST(date_trunc('month', as_of - 1) AS DATE) AS month, max(as_of) AS membership_as_of,
        arg_max(version_id, as_of) AS version_id
    FROM segments.versions
    WHERE as_of < $as_of AND version_id IN (SELECT version_id FROM segments.history) OR version_id = $version_id
    GROUP BY ALL
),
done AS (
    SELECT customer_id, month, sum(orders) AS orders, sum(purchases) AS purchases, sum(net) AS net, bool_or(before) AS before
    FROM (
        SELECT customer_id, month, orders, purchases, net, false AS before FROM shared.booked_by_customer
        UNION ALL
        SELECT customer_id, CAST(month + INTERVAL 1 MONTH AS DATE), 0, 0, 0, true FROM shared.booked_by_customer WHERE orders > 0
    )
    GROUP BY customer_id, month
),
sums AS (
    SELECT d.month, m.segment_key, count(*) FILTER (orders > 0) AS active_customers, sum(orders) AS orders,
        sum(purchases) AS purchases, sum(net) AS net, count(*) FILTER (before) AS active_before,
        count(*) FILTER (before AND orders > 0) AS retained
    FROM done JOIN dates AS d USING (month)
    JOIN next_membership AS m ON m.customer_id = done.customer_id
        AND m.valid_from <= membership_as_of AND (m.valid_to IS NULL OR m.valid_to > membership_as_of)
    GROUP BY d.month, m.segment_key
)
SELECT d.month, d.membership_as_of, p.segment_key, n.segment, p.customers, coalesce(s.active_customers, 0) AS active_customers,
    CAST(coalesce(s.orders, 0) AS BIGINT) AS orders, CAST(coalesce(s.purchases, 0) AS DECIMAL(18, 4)) AS purchases,
    CAST(coalesce(s.net, 0) AS DECIMAL(18, 4)) AS sales,
    CAST(s.net AS DOUBLE) / nullif(CAST(sum(s.net) OVER (PARTITION BY d.month) AS DOUBLE), 0) AS sales_share,
    CAST(s.purchases AS DOUBLE) / nullif(s.orders, 0) AS average_order_value,
    coalesce(s.active_before, 0) AS active_before, s.retained / nullif(s.active_before, 0) AS retention,
    coalesce(months.is_partial, true) AS is_partial, $as_of AS as_of
FROM dates AS d
JOIN next_profiles AS p USING (version_id)
JOIN segments.names AS n ON n.segment_key = p.segment_key
LEFT JOIN sums AS s ON s.month = d.month AND s.segment_key = p.segment_key
LEFT JOIN shared.months AS months ON months.month = d.month
ORDER BY d.month, p.segment_key
