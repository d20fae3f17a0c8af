-- grain: well-formed line, by the customer it belongs to now: the one it was delivered with, or was merged into
-- inputs: sales.transaction_lines, sales.customer_merges
CREATE OR REPLACE VIEW sales.customer_lines AS
SELECT lines.* REPLACE (coalesce(merged_id, lines.customer_id) AS customer_id)
FROM sales.transaction_lines AS lines LEFT JOIN sales.customer_merges AS merges ON merges.customer_id = lines.customer_id;
-- grain: row of a relation of customers x id (delivered_id) their lines were delivered with
-- inputs: the name of a relation with customer_id: whom lines belong to
-- reason: the few lines of a few customers are found by the ids in the lines, without a look at all the others
CREATE OR REPLACE MACRO sales.as_delivered(relation) AS TABLE
SELECT *, customer_id AS delivered_id FROM query_table(relation) ANTI JOIN sales.customer_merges USING (customer_id)
UNION ALL
SELECT belonging.*, merges.customer_id FROM query_table(relation) AS belonging
JOIN sales.customer_merges AS merges ON merges.merged_id = belonging.customer_id;
