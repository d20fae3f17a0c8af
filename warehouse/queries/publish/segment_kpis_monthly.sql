-- grain: month with a published date x segment
-- inputs: month_versions, month_sums; shared.months; next_profiles
SELECT d.month, d.membership_as_of, p.segment_key, n.segment, p.customers, coalesce(s.active_customers, 0) AS active_customers,
    coalesce(s.orders, 0) AS orders, coalesce(s.purchases, 0) AS purchases, coalesce(s.net, 0) AS sales,
    CAST(coalesce(s.net, 0) AS DOUBLE) / nullif(CAST(sum(s.net) OVER (PARTITION BY d.month) AS DOUBLE), 0) AS sales_share,
    CAST(s.purchases AS DOUBLE) / nullif(s.orders, 0) AS average_order_value,
    coalesce(s.active_before, 0) AS active_before, s.retained / nullif(s.active_before, 0) AS retention,
    coalesce(months.is_partial, true) AS is_partial, $as_of AS as_of
FROM month_versions AS d
JOIN next_profiles AS p USING (version_id)
JOIN segments.names AS n ON n.segment_key = p.segment_key
LEFT JOIN month_sums AS s ON s.month = d.month AND s.segment_key = p.segment_key
LEFT JOIN shared.months AS months ON months.month = d.month
ORDER BY d.month, p.segment_key
