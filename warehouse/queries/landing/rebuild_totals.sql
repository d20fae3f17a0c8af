-- grain: shop_day x country, month x product, customer x product: of the touched ones only
-- inputs: touched_days; touched_lines, all lines of the touched invoices; lost_pairs: purchases that may have gone
-- reason: touched days and months are computed as a whole, so that any order of deliveries gives the same rows; lines lie
--   roughly in the order of days, so few are read. Lines that come can only bring a first day forward; a pair that lost
--   one is looked up among all lines.
CREATE OR REPLACE TEMP VIEW lines_of_days AS
SELECT * FROM sales.transaction_lines SEMI JOIN touched_days USING (shop_day);
DELETE FROM sales.daily WHERE shop_day IN (FROM touched_days);
INSERT INTO sales.daily BY NAME FROM sales.daily_of('lines_of_days');
CREATE OR REPLACE TEMP TABLE touched_months AS SELECT DISTINCT CAST(date_trunc('month', shop_day) AS DATE) AS month FROM touched_days;
CREATE OR REPLACE TEMP TABLE days_of_months AS
SELECT CAST(unnest(generate_series(month, last_day(month), INTERVAL 1 DAY)) AS DATE) AS shop_day FROM touched_months;
CREATE OR REPLACE TEMP VIEW lines_of_months AS
SELECT * FROM sales.transaction_lines SEMI JOIN days_of_months USING (shop_day);
DELETE FROM sales.product_months WHERE month IN (FROM touched_months);
INSERT INTO sales.product_months BY NAME FROM sales.product_months_of('lines_of_months');
CREATE OR REPLACE TEMP VIEW lines_of_lost_pairs AS
SELECT lines.* REPLACE (lost.customer_id AS customer_id)
FROM sales.transaction_lines AS lines
JOIN sales.as_delivered('lost_pairs') AS lost ON lost.delivered_id = lines.customer_id AND lost.product = lines.product;
CREATE OR REPLACE TEMP TABLE touched_pairs AS
SELECT customer_id, product, min(first_purchase_day) AS first_purchase_day, bool_or(lost) AS lost FROM (
    SELECT *, false AS lost FROM sales.customer_products_of('touched_lines')
    UNION ALL BY NAME SELECT *, true AS lost FROM sales.customer_products_of('lines_of_lost_pairs')
    UNION ALL BY NAME SELECT customer_id, product, true AS lost FROM lost_pairs
) GROUP BY customer_id, product;
CREATE OR REPLACE TEMP TABLE changed_pairs AS
SELECT customer_id, product, known.rowid AS row_number,
    least(t.first_purchase_day, CASE WHEN NOT lost THEN known.first_purchase_day END) AS first_day
FROM touched_pairs AS t LEFT JOIN sales.customer_products AS known USING (customer_id, product)
WHERE known.first_purchase_day IS DISTINCT FROM first_day;
DELETE FROM sales.customer_products WHERE rowid IN (SELECT row_number FROM changed_pairs);
INSERT INTO sales.customer_products BY NAME
SELECT customer_id, product, first_day AS first_purchase_day FROM changed_pairs WHERE first_day IS NOT NULL;
