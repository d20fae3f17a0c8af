-- grain: shop_day x country; month x product; customer x product bought
-- inputs: the name of a relation shaped like sales.transaction_lines
-- reason: one definition of each total for the nightly update and for the rebuild that verifies it. Lines without a
--   customer count for sales. The first purchase day answers, in one row, who had bought what before any date.
CREATE OR REPLACE MACRO sales.daily_of(lines) AS TABLE
SELECT shop_day, country,
    count(*) FILTER (outcome = 'purchase') AS purchase_lines,
    CAST(coalesce(sum(amount) FILTER (outcome = 'purchase'), 0) AS DECIMAL(18, 4)) AS purchases,
    count(*) FILTER (outcome = 'return') AS return_lines,
    CAST(coalesce(sum(amount) FILTER (outcome = 'return'), 0) AS DECIMAL(18, 4)) AS returns,
    count(*) FILTER (outcome = 'unattributed') AS unattributed_lines,
    CAST(coalesce(sum(amount) FILTER (outcome = 'unattributed'), 0) AS DECIMAL(18, 4)) AS unattributed,
    CAST(coalesce(sum(quantity) FILTER (outcome = 'purchase'), 0) AS DECIMAL(18, 4)) AS items
FROM query_table(lines) WHERE outcome IN ('purchase', 'return', 'unattributed')
GROUP BY shop_day, country;
CREATE OR REPLACE MACRO sales.product_months_of(lines) AS TABLE
SELECT CAST(date_trunc('month', shop_day) AS DATE) AS month, product,
    max(ROW(invoiced_at, description)) FILTER (description IS NOT NULL)[2] AS description,
    count(*) FILTER (quantity > 0) AS lines,
    CAST(coalesce(sum(quantity) FILTER (quantity > 0), 0) AS DECIMAL(18, 4)) AS items,
    CAST(sum(amount) AS DECIMAL(18, 4)) AS sales, min(shop_day) AS first_day, max(shop_day) AS last_day
FROM query_table(lines) WHERE outcome IN ('purchase', 'return', 'unattributed') AND product IS NOT NULL
GROUP BY CAST(date_trunc('month', shop_day) AS DATE), product;
CREATE OR REPLACE MACRO sales.customer_products_of(lines) AS TABLE
SELECT customer_id, product, min(shop_day) AS first_purchase_day
FROM query_table(lines) WHERE outcome = 'purchase' AND product IS NOT NULL
GROUP BY customer_id, product;
