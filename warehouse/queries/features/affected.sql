-- grain: affected customer, and their activity of the new date
-- inputs: touched_customers, the invoices that become visible in [old_as_of, as_of) and those that leave the window
-- reason: cost follows what changed; everybody else's row is the same on both dates
CREATE OR REPLACE TEMP TABLE affected_customers AS
SELECT customer_id FROM touched_customers
UNION
SELECT customer_id FROM sales.invoices WHERE shop_day >= $old_as_of AND shop_day < $as_of
UNION
SELECT customer_id FROM sales.invoices
WHERE shop_day >= $old_as_of - CAST($window_days AS INTEGER) AND shop_day < $as_of - CAST($window_days AS INTEGER);
CREATE OR REPLACE TEMP TABLE affected_invoices AS
SELECT * FROM sales.invoices SEMI JOIN affected_customers USING (customer_id);
CREATE OR REPLACE TEMP TABLE affected_activity AS
FROM features.activity_of('affected_invoices', $as_of, $window_days);
