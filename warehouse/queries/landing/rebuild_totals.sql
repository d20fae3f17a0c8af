-- grain: shop_day x country, month x product, customer x product: of the touched ones only
-- inputs: touched_days; touched_lines, all lines of the touched invoices; lost_pairs: purchases that may have gone
-- reason: touched days and months are computed as a whole, so that any order of deliveries gives the same rows; lines lie
--   roughly in the order of days, so few are read. Lines that come can only bring a first day forward; a pair that lost
--   one is looked up among all lines. What was made of closed days stays as it is.
DELETE FROM touched_days WHERE NOT landing.is_open(shop_day);
DELETE FROM lost_pairs USING sales.customer_products AS known
WHERE lost_pairs.customer_id = known.customer_id AND lost_pairs.product = known.product
    AND NOT landing.is_open(known.first_purchase_day);
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
CREATE OR REPLACE TEMP TABLE stored_pairs AS
SELECT * FROM sales.customer_products
SEMI JOIN (SELECT customer_id, product FROM touched_lines UNION FROM lost_pairs) USING (customer_id, product);
CREATE OR REPLACE TEMP TABLE next_pairs AS
SELECT customer_id, product, min(first_purchase_day) AS first_purchase_day FROM (
    SELECT * FROM stored_pairs ANTI JOIN lost_pairs USING (customer_id, product)
    UNION ALL BY NAME FROM sales.customer_products_of('touched_lines')
    UNION ALL BY NAME FROM sales.customer_products_of('lines_of_lost_pairs')
) GROUP BY customer_id, product;
DELETE FROM sales.customer_products USING (FROM stored_pairs EXCEPT FROM next_pairs) AS gone
WHERE customer_products.customer_id = gone.customer_id AND customer_products.product = gone.product;
INSERT INTO sales.customer_products BY NAME (FROM next_pairs EXCEPT FROM stored_pairs);
