-- grain: segment of the month's last version
-- inputs: sales.invoices of the month and the one before; next_membership, next_profiles
CREATE OR REPLACE TEMP TABLE booked AS
FROM sales.booked_of('sales.invoices', CAST($month AS DATE), CAST(CAST($month AS DATE) + INTERVAL 1 MONTH AS DATE));
INSERT INTO segments.month_sums BY NAME
SELECT $version_id AS version_id, CAST($month AS DATE) AS month, segment_key, coalesce(active_customers, 0) AS active_customers,
    coalesce(orders, 0) AS orders, coalesce(purchases, 0) AS purchases, coalesce(net, 0) AS net,
    coalesce(active_before, 0) AS active_before, coalesce(retained, 0) AS retained
FROM (SELECT segment_key FROM next_profiles WHERE version_id = $version_id)
LEFT JOIN segments.month_sums_of('booked', 'next_membership', CAST($month AS DATE), $membership_as_of) USING (segment_key);
