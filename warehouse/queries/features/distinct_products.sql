-- grain: segmented customer
-- inputs: rfm; $window_days, null: all days
-- reason: the day a product was first bought is kept, also where the lines are gone, and answers for all days without a look
--   at the lines. A trailing window takes those bought again within it from the lines, as far back as there are any.
CREATE OR REPLACE TEMP TABLE distinct_products AS
SELECT customer_id, count(product) AS distinct_products
FROM rfm LEFT JOIN (
    SELECT customer_id, product FROM sales.customer_products
    WHERE first_purchase_day < $as_of
        AND ($window_days IS NULL OR first_purchase_day >= $as_of - CAST($window_days AS INTEGER))
    UNION
    SELECT customer_id, product FROM sales.customer_lines
    WHERE $window_days IS NOT NULL AND outcome = 'purchase' AND product IS NOT NULL
        AND shop_day < $as_of AND shop_day >= $as_of - CAST($window_days AS INTEGER)
) USING (customer_id)
GROUP BY customer_id;
