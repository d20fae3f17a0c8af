-- grain: product, of those that sold most
-- inputs: goods
-- reason: the share is of all goods, so that it says how much hangs on a few of them
SELECT rank, product, description, CAST(sales AS DECIMAL(18, 4)) AS sales, sales_share, CAST(lines AS BIGINT) AS lines,
    CAST(items AS DECIMAL(18, 4)) AS items, coalesce(buyers, 0) AS buyers, $as_of AS as_of
FROM (
    SELECT *, row_number() OVER (ORDER BY sales DESC, product) AS rank,
        CAST(sales AS DOUBLE) / nullif(CAST(sum(sales) OVER () AS DOUBLE), 0) AS sales_share
    FROM goods QUALIFY rank <= $top_products
)
LEFT JOIN (
    SELECT product, count(*) AS buyers FROM sales.customer_products WHERE first_purchase_day < $as_of GROUP BY product
) USING (product)
ORDER BY rank
