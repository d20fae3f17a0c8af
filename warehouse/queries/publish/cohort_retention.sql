-- grain: month of the first purchase x later month
-- inputs: cohorts, month_cohorts, shared.months
WITH sizes AS (SELECT cohort, count(*) AS cohort_customers FROM cohorts GROUP BY cohort)
SELECT sizes.cohort, months.month, date_diff('month', sizes.cohort, months.month) AS months_since, cohort_customers,
    coalesce(customers, 0) AS customers, coalesce(customers, 0) / cohort_customers AS retention,
    coalesce(orders, 0) AS orders, coalesce(net, 0) AS sales,
    is_partial, $as_of AS as_of
FROM sizes JOIN shared.months AS months ON months.month >= sizes.cohort
LEFT JOIN month_cohorts AS sums ON sums.cohort = sizes.cohort AND sums.month = months.month
ORDER BY sizes.cohort, months.month
