-- grain: customer x month x country; day x country; month; product: all of lines before as_of
-- inputs: sales.invoices, sales.daily, sales.product_months; $service_products: codes that are no goods, with * and ?
-- reason: one pass over each source serves every published table. An invoice booked on two days of a month is one order.
--   A product's month that as_of cuts in two is the only thing computed from lines, and only lines of that month are read.
CREATE OR REPLACE TEMP TABLE booked AS
SELECT customer_id, month, country, count(*) FILTER (purchase_lines > 0) AS orders,
    sum(gross) AS purchases, sum(gross + returned) AS net, sum(items) AS items
FROM (
    SELECT source, customer_id, invoice_no, CAST(date_trunc('month', shop_day) AS DATE) AS month,
        arg_max(country, shop_day) AS country, sum(purchase_lines) AS purchase_lines, sum(gross) AS gross,
        sum(returned) AS returned, sum(items) AS items
    FROM sales.invoices WHERE shop_day < $as_of
    GROUP BY source, customer_id, invoice_no, CAST(date_trunc('month', shop_day) AS DATE)
)
GROUP BY customer_id, month, country;
CREATE OR REPLACE TEMP TABLE booked_by_customer AS
SELECT customer_id, month, sum(orders) AS orders, sum(purchases) AS purchases, sum(net) AS net, sum(items) AS items
FROM booked GROUP BY customer_id, month;
CREATE OR REPLACE TEMP TABLE days AS
SELECT *, purchases + returns + unattributed AS sales, CAST(date_trunc('month', shop_day) AS DATE) AS month
FROM sales.daily WHERE shop_day < $as_of;
CREATE OR REPLACE TEMP TABLE months AS
SELECT month, last_day(month) >= $as_of OR first_day > month OR end_day < last_day(month) AS is_partial
FROM (SELECT min(shop_day) AS first_day, max(shop_day) AS end_day FROM days),
    LATERAL (SELECT CAST(unnest(generate_series(date_trunc('month', first_day), end_day, INTERVAL 1 MONTH)) AS DATE) AS month);
CREATE OR REPLACE TEMP TABLE lines_of_cut_month AS
SELECT l.* FROM sales.transaction_lines AS l
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
