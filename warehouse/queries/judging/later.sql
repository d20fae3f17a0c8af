-- grain: customer segmented by the version of as_of
-- inputs: membership on that date; sales.invoices of the days after it
-- reason: what customers did next, whatever grouping is asked
CREATE OR REPLACE TEMP TABLE later AS
SELECT m.customer_id, CAST(m.segment_key AS VARCHAR) AS segment,
    CAST(coalesce(sum(i.gross), 0) AS DOUBLE) AS later_spend, coalesce(sum(i.purchase_lines), 0) > 0 AS later_active
FROM (
    SELECT customer_id, segment_key FROM segments.membership
    WHERE valid_from <= $as_of AND (valid_to IS NULL OR valid_to > $as_of)
) AS m
LEFT JOIN sales.invoices AS i
    ON i.customer_id = m.customer_id AND i.shop_day >= $as_of AND i.shop_day < $as_of + CAST($horizon_days AS INTEGER)
GROUP BY m.customer_id, m.segment_key;
