-- grain: month
-- inputs: days, shared.months, month_cohorts, cohorts
WITH money AS (
    SELECT month, sum(sales) AS sales, sum(purchases) AS purchases, sum(returns) AS returns, sum(unattributed) AS unattributed,
        sum(items) AS items, min(shop_day) AS first_day, max(shop_day) AS last_day
    FROM days GROUP BY month
),
people AS (
    SELECT month, sum(orders) AS orders, sum(customers) AS customers FROM month_cohorts GROUP BY month
),
newcomers AS (SELECT cohort AS month, count(*) AS customers FROM cohorts GROUP BY cohort)
SELECT months.month, CAST(coalesce(sales, 0) AS DECIMAL(18, 4)) AS sales,
    CAST(coalesce(purchases, 0) AS DECIMAL(18, 4)) AS purchases, CAST(coalesce(returns, 0) AS DECIMAL(18, 4)) AS returns,
    CAST(coalesce(unattributed, 0) AS DECIMAL(18, 4)) AS unattributed,
    CAST(unattributed AS DOUBLE) / nullif(CAST(sales AS DOUBLE), 0) AS unattributed_share,
    CAST(coalesce(orders, 0) AS BIGINT) AS orders, CAST(coalesce(people.customers, 0) AS BIGINT) AS customers,
    coalesce(newcomers.customers, 0) AS new_customers,
    CAST(purchases AS DOUBLE) / nullif(orders, 0) AS average_order_value,
    CAST(items AS DOUBLE) / nullif(orders, 0) AS items_per_order,
    CAST(purchases + returns AS DOUBLE) / nullif(people.customers, 0) AS sales_per_customer,
    orders / nullif(people.customers, 0) AS orders_per_customer,
    first_day, last_day, is_partial, $as_of AS as_of
FROM shared.months AS months LEFT JOIN money USING (month) LEFT JOIN people USING (month) LEFT JOIN newcomers USING (month)
ORDER BY months.month
