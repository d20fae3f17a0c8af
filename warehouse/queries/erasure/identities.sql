-- grain: id of a person: the ones that are named, those merged with them, and the one all of them belong to
-- inputs: $customers; sales.customer_merges, whose chains are followed to their end
WITH named AS (SELECT unnest(CAST($customers AS VARCHAR[])) AS customer_id),
belong AS (
    SELECT coalesce(m.merged_id, named.customer_id) AS merged_id
    FROM named LEFT JOIN sales.customer_merges AS m USING (customer_id)
)
SELECT customer_id FROM named
UNION SELECT merged_id FROM belong
UNION SELECT customer_id FROM sales.customer_merges WHERE merged_id IN (FROM belong)
ORDER BY customer_id;
