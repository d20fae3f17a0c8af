-- grain: country
-- inputs: days, month_countries, buyers
WITH money AS (
    SELECT country, sum(sales) AS sales, sum(purchases) AS purchases, sum(returns) AS returns, sum(unattributed) AS unattributed
    FROM days GROUP BY country
),
people AS (
    SELECT country, sum(orders) AS orders, sum(customers) AS customers
    FROM (
        SELECT country, orders, 0 AS customers FROM month_countries
        UNION ALL SELECT country, 0, count(*) FROM buyers GROUP BY country
    )
    GROUP BY country
)
SELECT money.country, CAST(sales AS DECIMAL(18, 4)) AS sales,
    CAST(sales AS DOUBLE) / nullif(CAST(sum(sales) OVER () AS DOUBLE), 0) AS sales_share,
    CAST(purchases AS DECIMAL(18, 4)) AS purchases, CAST(returns AS DECIMAL(18, 4)) AS returns,
    CAST(unattributed AS DECIMAL(18, 4)) AS unattributed, CAST(coalesce(orders, 0) AS BIGINT) AS orders,
    CAST(coalesce(customers, 0) AS BIGINT) AS customers, CAST(purchases AS DOUBLE) / nullif(orders, 0) AS average_order_value, $as_of AS as_of
FROM money LEFT JOIN people ON people.country IS NOT DISTINCT FROM money.country
ORDER BY sales DESC, money.country
