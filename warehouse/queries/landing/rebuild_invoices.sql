-- grain: source x customer x invoice_no x shop_day, of the touched ones only
-- inputs: touched_invoices, by the customer they belong to
-- reason: an invoice is recomputed from its lines as a whole, so that any order of deliveries gives the same row. Lines
--   are looked for under the ids they were delivered with, and are in touched_lines under the customer they belong to.
DELETE FROM sales.invoices USING touched_invoices AS touched
WHERE invoices.source = touched.source AND invoices.customer_id = touched.customer_id
    AND invoices.invoice_no = touched.invoice_no AND invoices.shop_day = touched.shop_day;
CREATE OR REPLACE TEMP TABLE touched_lines AS
SELECT lines.* REPLACE (touched.customer_id AS customer_id)
FROM sales.transaction_lines AS lines
JOIN sales.as_delivered('touched_invoices') AS touched
    ON touched.source = lines.source AND touched.delivered_id = lines.customer_id
    AND touched.invoice_no = lines.invoice_no AND touched.shop_day = lines.shop_day;
INSERT INTO sales.invoices BY NAME FROM sales.invoices_of('touched_lines');
CREATE OR REPLACE TEMP TABLE touched_customers AS SELECT DISTINCT customer_id FROM touched_invoices;
