-- grain: date x segmented customer
-- inputs: $dates, sales.invoices
-- reason: the features of many dates for the price of one statement. A customer's activity is computed on the first date
--   and on those on which an invoice became visible or left the window, and holds until the next of them. The definitions
--   are those of a night: they group by customer_id, which here is a customer on a date.
CREATE OR REPLACE TEMP TABLE dates AS SELECT unnest(CAST($dates AS DATE[])) AS as_of;
CREATE OR REPLACE TEMP TABLE changed AS
SELECT DISTINCT customer_id, as_of
FROM sales.invoices JOIN (SELECT as_of, lag(as_of) OVER (ORDER BY as_of) AS former FROM dates)
    ON shop_day < as_of AND (former IS NULL OR shop_day >= former)
    OR shop_day >= former - CAST($window_days AS INTEGER) AND shop_day < as_of - CAST($window_days AS INTEGER);
CREATE OR REPLACE TEMP TABLE dated_invoices AS
SELECT i.* REPLACE ({customer_id: i.customer_id, as_of: c.as_of} AS customer_id)
FROM sales.invoices AS i JOIN changed AS c ON c.customer_id = i.customer_id AND i.shop_day < c.as_of;
CREATE OR REPLACE TEMP TABLE changed_activity AS
FROM features.activity_of('dated_invoices', customer_id.as_of, $window_days);
CREATE OR REPLACE TEMP TABLE dated_activity AS
SELECT a.* REPLACE ({customer_id: spans.customer_id, as_of: dates.as_of} AS customer_id)
FROM (
    SELECT customer_id, as_of AS valid_from, lead(as_of) OVER (PARTITION BY customer_id ORDER BY as_of) AS valid_to FROM changed
) AS spans
JOIN changed_activity AS a ON a.customer_id.customer_id = spans.customer_id AND a.customer_id.as_of = valid_from
JOIN dates ON dates.as_of >= valid_from AND (valid_to IS NULL OR dates.as_of < valid_to);
CREATE OR REPLACE TEMP TABLE rfm_of_dates AS
SELECT customer_id.as_of AS as_of, * REPLACE (customer_id.customer_id AS customer_id)
FROM features.rfm_from('dated_activity', customer_id.as_of, $window_days)
ORDER BY as_of;
