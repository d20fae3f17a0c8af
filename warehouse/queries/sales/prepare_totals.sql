-- grain: month x country; month x cohort; product; customer: all before as_of
-- inputs: sales.month_countries and sales.month_cohorts, of every month before that of the last day; sales.invoices of
--   that one; sales.product_months; sales.customer_products; $service_products: codes that are no goods, with * and ?
-- reason: of months that as_of cuts in two only that one's invoices and lines are read
CREATE OR REPLACE TABLE shared.booked AS
FROM sales.booked_of('sales.invoices', date_trunc('month', CAST($as_of AS DATE) - 1), $as_of);
CREATE OR REPLACE TEMP TABLE month_countries AS
FROM sales.month_countries WHERE month < date_trunc('month', CAST($as_of AS DATE) - 1)
UNION ALL BY NAME FROM sales.month_countries_of('shared.booked');
CREATE OR REPLACE TEMP TABLE month_cohorts AS
FROM sales.month_cohorts WHERE month < date_trunc('month', CAST($as_of AS DATE) - 1)
UNION ALL BY NAME FROM sales.month_cohorts_of('shared.booked', 'cohorts');
CREATE OR REPLACE TEMP TABLE lines_of_cut_month AS
SELECT l.product, description, shop_day, invoiced_at, quantity, amount, outcome
FROM sales.transaction_lines AS l
SEMI JOIN (
    SELECT product FROM sales.product_months WHERE first_day < $as_of AND last_day >= $as_of
) AS cut ON cut.product = l.product
WHERE l.shop_day >= date_trunc('month', CAST($as_of AS DATE)) AND l.shop_day < $as_of;
CREATE OR REPLACE TEMP TABLE goods AS
SELECT product, arg_max(description, month) AS description, sum(lines) AS lines, sum(items) AS items, sum(sales) AS sales
FROM (
    SELECT * FROM sales.product_months WHERE last_day < $as_of
    UNION ALL BY NAME FROM sales.product_months_of('lines_of_cut_month')
) AS sold
ANTI JOIN (SELECT unnest(CAST($service_products AS VARCHAR[])) AS pattern) AS services ON upper(sold.product) GLOB upper(pattern)
GROUP BY product;
CREATE OR REPLACE TABLE shared.bought AS
SELECT customer_id, count(*) AS products FROM sales.customer_products WHERE first_purchase_day < $as_of GROUP BY customer_id;
