-- grain: customer of `features`, with what was bought in the days after
-- inputs: temporary tables features and rfm; sales.invoices of the days after as_of
-- reason: one table a sample is drawn from, by places that come from values and never from customer_id
CREATE OR REPLACE TEMP TABLE valued AS
SELECT f.*, CAST(r.gross AS DOUBLE) AS gross, coalesce(l.spend, 0) AS later_spend, coalesce(l.active, false) AS later_active
FROM features AS f
JOIN rfm AS r USING (customer_id)
LEFT JOIN (
    SELECT customer_id, CAST(sum(gross) AS DOUBLE) AS spend, sum(purchase_lines) > 0 AS active
    FROM sales.invoices
    WHERE shop_day >= $as_of AND shop_day < $as_of + CAST($horizon_days AS INTEGER)
    GROUP BY customer_id
) AS l USING (customer_id);
