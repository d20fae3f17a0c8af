-- grain: segment x product that enough segmented customers bought
-- inputs: goods; sales.customer_products; $smoothing: customers with the habits of all that are added to each segment
-- reason: a segment of three customers must not have the greatest lift because one of them bought something rare
WITH sizes AS (
    SELECT segment_key, count(*) AS segment_customers, sum(count(*)) OVER () AS customers
    FROM segments.assignments WHERE version_id = $version_id GROUP BY segment_key
),
bought AS (
    SELECT a.segment_key, p.product, count(*) AS buyers
    FROM sales.customer_products AS p
    JOIN (SELECT customer_id, segment_key FROM segments.assignments WHERE version_id = $version_id) AS a USING (customer_id)
    WHERE p.first_purchase_day < $as_of
    GROUP BY a.segment_key, p.product
),
liked AS (
    SELECT product, sum(buyers) AS all_buyers FROM bought GROUP BY product HAVING sum(buyers) >= $min_buyers
)
SELECT segment_key, segment, product, description, buyers, segment_customers, CAST(all_buyers AS BIGINT) AS all_buyers,
    probability AS purchase_probability, overall AS overall_probability, probability / overall AS lift, $as_of AS as_of
FROM (
    SELECT s.segment_key, l.product, g.description, coalesce(b.buyers, 0) AS buyers, s.segment_customers, l.all_buyers,
        l.all_buyers / s.customers AS overall,
        (coalesce(b.buyers, 0) + $smoothing * l.all_buyers / s.customers) / (s.segment_customers + $smoothing) AS probability
    FROM sizes AS s CROSS JOIN liked AS l
    JOIN goods AS g USING (product)
    LEFT JOIN bought AS b ON b.segment_key = s.segment_key AND b.product = l.product
)
JOIN segments.names USING (segment_key)
ORDER BY segment_key, lift DESC, product
