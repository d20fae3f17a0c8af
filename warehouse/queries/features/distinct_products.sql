-- grain: customer with a purchase
-- reason: only invoices are kept up nightly, so this input reads the lines; it is computed only where it is listed
CREATE OR REPLACE TEMP TABLE distinct_products AS
SELECT customer_id, count(DISTINCT product) AS distinct_products
FROM sales.customer_lines
WHERE outcome = 'purchase' AND shop_day < $as_of
    AND ($window_days IS NULL OR shop_day >= $as_of - CAST($window_days AS INTEGER))
GROUP BY customer_id;
