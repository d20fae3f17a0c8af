-- grain: day x country; month; customer x country; customer: all before as_of
-- inputs: sales.daily, sales.invoices
-- reason: who bought where first, and so belongs to which cohort, needs one pass over the invoices; the rest is kept.
--   Tables of `shared` are looked at by the connection that knows the history, too.
CREATE OR REPLACE TEMP TABLE days AS
SELECT *, purchases + returns + unattributed AS sales, CAST(date_trunc('month', shop_day) AS DATE) AS month
FROM sales.daily WHERE shop_day < $as_of;
CREATE OR REPLACE TABLE shared.months AS
SELECT month, last_day(month) >= $as_of OR first_day > month OR end_day < last_day(month) AS is_partial
FROM (SELECT min(shop_day) AS first_day, max(shop_day) AS end_day FROM days),
    LATERAL (SELECT CAST(unnest(generate_series(date_trunc('month', first_day), end_day, INTERVAL 1 MONTH)) AS DATE) AS month);
CREATE OR REPLACE TEMP TABLE buyers AS
SELECT customer_id, country, min(shop_day) AS first_day
FROM sales.invoices WHERE shop_day < $as_of AND purchase_lines > 0 GROUP BY customer_id, country;
CREATE OR REPLACE TEMP TABLE cohorts AS
SELECT customer_id, CAST(date_trunc('month', min(first_day)) AS DATE) AS cohort FROM buyers GROUP BY customer_id;
