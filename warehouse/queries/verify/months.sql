-- grain: month x country, month x cohort, month x segment: of the months that are kept, from all invoices at once
-- inputs: rebuilt_invoices; segments.membership, of which verify_history tells whether it is right
CREATE OR REPLACE TEMP TABLE rebuilt_booked AS
FROM sales.booked_of('rebuilt_invoices', DATE '0001-01-01', DATE '9999-12-31');
CREATE OR REPLACE TEMP TABLE rebuilt_cohorts AS
SELECT customer_id, CAST(date_trunc('month', min(shop_day)) AS DATE) AS cohort
FROM rebuilt_invoices WHERE purchase_lines > 0 GROUP BY customer_id;
CREATE OR REPLACE TEMP TABLE rebuilt_month_countries AS
FROM sales.month_countries_of('rebuilt_booked') SEMI JOIN sales.month_cohorts USING (month);
CREATE OR REPLACE TEMP TABLE rebuilt_month_cohorts AS
FROM sales.month_cohorts_of('rebuilt_booked', 'rebuilt_cohorts') SEMI JOIN sales.month_cohorts USING (month);
CREATE OR REPLACE TEMP VIEW stored_month_sums AS FROM segments.month_sums SEMI JOIN segments.history USING (version_id);
CREATE OR REPLACE TEMP TABLE rebuilt_month_sums AS
WITH kept AS (
    SELECT version_id, month, as_of FROM stored_month_sums JOIN segments.versions USING (version_id) GROUP BY ALL
),
bought AS (
    SELECT customer_id, month, sum(orders) AS orders, sum(purchases) AS purchases, sum(net) AS net
    FROM rebuilt_booked GROUP BY customer_id, month
)
SELECT k.version_id, k.month, p.segment_key, count(*) FILTER (now.orders > 0) AS active_customers,
    coalesce(sum(now.orders), 0) AS orders, coalesce(sum(now.purchases), 0) AS purchases, coalesce(sum(now.net), 0) AS net,
    count(*) FILTER (former.orders > 0) AS active_before,
    count(*) FILTER (now.orders > 0 AND former.orders > 0) AS retained
FROM kept AS k
JOIN segments.profiles AS p USING (version_id)
LEFT JOIN segments.membership AS m ON m.segment_key = p.segment_key
    AND m.valid_from <= k.as_of AND (m.valid_to IS NULL OR m.valid_to > k.as_of)
LEFT JOIN bought AS now ON now.customer_id = m.customer_id AND now.month = k.month
LEFT JOIN bought AS former ON former.customer_id = m.customer_id AND former.month = k.month - INTERVAL 1 MONTH
GROUP BY k.version_id, k.month, p.segment_key;
