-- grain: country
-- inputs: days, booked
WITH money AS (
    SELECT country, sum(sales) AS sales, sum(purchases) AS purchases, sum(returns) AS returns, sum(unattributed) AS unattributed
    FROM days GROUP BY country
),
people AS (
    SELECT country, sum(orders) AS orders, count(DISTINCT customer_id) AS customers
    FROM booked WHERE orders > 0 GROUP BY country
)
SELECT money.country, CAST(sales AS DECIMAL(18, 4)) AS sales,
    CAST(sales AS DOUBLE) / nullif(CAST(sum(sales) OVER () AS DOUBLE), 0) AS sales_share,
    CAST(purchases AS DECIMAL(18, 4)) AS purchases, CAST(returns AS DECIMAL(18, 4)) AS returns,
    CAST(unattributed AS DECIMAL(18, 4)) AS unattributed, CAST(coalesce(orders, 0) AS BIGINT) AS orders,
    coalesce(customers, 0) AS customers, CAST(purchases AS DOUBLE) / nullif(orders, 0) AS average_order_value, $as_of AS as_of
FROM money LEFT JOIN people ON people.country IS NOT DISTINCT FROM money.country
ORDER BY sales DESC, money.country
