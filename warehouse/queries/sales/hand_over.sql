-- grain: month; customer x country, of the last month; customer
-- inputs: months, booked, sales.customer_products
-- reason: temporary tables are of one connection; these are looked at by the one that knows the history
CREATE OR REPLACE TABLE shared.months AS FROM months;
CREATE OR REPLACE TABLE shared.booked AS FROM booked;
CREATE OR REPLACE TABLE shared.bought AS
SELECT customer_id, count(*) AS products FROM sales.customer_products WHERE first_purchase_day < $as_of GROUP BY customer_id;
