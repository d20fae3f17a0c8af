-- grain: closed invoice, and customer x product known since a closed day, of a customer that was merged away
-- inputs: sales.customer_merges as it is now; changed_invoices, which it adds to
-- reason: their lines are gone, so what was made of them moves as it is; a merge that is taken back leaves it there
CREATE OR REPLACE TEMP TABLE moving AS
SELECT invoices.*, merged_id FROM sales.invoices JOIN sales.customer_merges USING (customer_id)
WHERE NOT landing.is_open(shop_day);
CREATE OR REPLACE TEMP TABLE moved AS
SELECT source, customer_id, invoice_no, shop_day, max(country) AS country,
    CAST(sum(purchase_lines) AS BIGINT) AS purchase_lines, CAST(sum(return_lines) AS BIGINT) AS return_lines,
    CAST(sum(items) AS DECIMAL(18, 4)) AS items, CAST(sum(gross) AS DECIMAL(18, 4)) AS gross,
    CAST(sum(returned) AS DECIMAL(18, 4)) AS returned
FROM (
    SELECT * EXCLUDE (merged_id) REPLACE (merged_id AS customer_id) FROM moving
    UNION ALL BY NAME
    SELECT * FROM sales.invoices
    SEMI JOIN (SELECT source, merged_id AS customer_id, invoice_no, shop_day FROM moving)
        USING (source, customer_id, invoice_no, shop_day)
)
GROUP BY source, customer_id, invoice_no, shop_day;
DELETE FROM sales.invoices USING (
    SELECT source, customer_id, invoice_no, shop_day FROM moving
    UNION SELECT source, customer_id, invoice_no, shop_day FROM moved
) AS gone
WHERE invoices.source = gone.source AND invoices.customer_id = gone.customer_id
    AND invoices.invoice_no = gone.invoice_no AND invoices.shop_day = gone.shop_day;
INSERT INTO sales.invoices BY NAME FROM moved;
CREATE OR REPLACE TEMP TABLE moving_pairs AS
SELECT merged_id, product, first_purchase_day FROM sales.customer_products JOIN sales.customer_merges USING (customer_id);
CREATE OR REPLACE TEMP TABLE moved_pairs AS
SELECT customer_id, product, min(first_purchase_day) AS first_purchase_day FROM (
    SELECT merged_id AS customer_id, product, first_purchase_day FROM moving_pairs
    UNION ALL BY NAME FROM sales.customer_products
) SEMI JOIN (SELECT merged_id AS customer_id, product FROM moving_pairs) USING (customer_id, product)
GROUP BY customer_id, product;
DELETE FROM sales.customer_products WHERE customer_id IN (SELECT customer_id FROM sales.customer_merges);
DELETE FROM sales.customer_products USING moved_pairs AS gone
WHERE customer_products.customer_id = gone.customer_id AND customer_products.product = gone.product;
INSERT INTO sales.customer_products BY NAME FROM moved_pairs;
INSERT INTO changed_invoices SELECT customer_id, shop_day FROM moving UNION ALL SELECT merged_id, shop_day FROM moving;
