-- grain: month of the first purchase x later month
-- inputs: booked_by_customer, months
WITH cohorts AS (
    SELECT customer_id, min(month) FILTER (orders > 0) AS cohort FROM booked_by_customer GROUP BY customer_id
),
sizes AS (SELECT cohort, count(*) AS cohort_customers FROM cohorts WHERE cohort IS NOT NULL GROUP BY cohort),
sums AS (
    SELECT cohort, month, count(*) FILTER (orders > 0) AS customers, sum(orders) AS orders, sum(net) AS net
    FROM booked_by_customer JOIN cohorts USING (customer_id) GROUP BY cohort, month
)
SELECT sizes.cohort, months.month, date_diff('month', sizes.cohort, months.month) AS months_since, cohort_customers,
    coalesce(customers, 0) AS customers, coalesce(customers, 0) / cohort_customers AS retention,
    CAST(coalesce(orders, 0) AS BIGINT) AS orders, CAST(coalesce(net, 0) AS DECIMAL(18, 4)) AS sales,
    is_partial, $as_of AS as_of
FROM sizes JOIN months ON months.month >= sizes.cohort
LEFT JOIN sums ON sums.cohort = sizes.cohort AND sums.month = months.month
ORDER BY sizes.cohort, months.month
