-- grain: source x customer x invoice_no x shop_day, of the touched ones only
-- reason: an invoice is recomputed from its lines as a whole, so that any order of deliveries gives the same row
DELETE FROM sales.invoices USING touched_invoices AS touched
WHERE invoices.source = touched.source AND invoices.customer_id = touched.customer_id
    AND invoices.invoice_no = touched.invoice_no AND invoices.shop_day = touched.shop_day;
CREATE OR REPLACE TEMP TABLE touched_lines AS
SELECT * FROM sales.transaction_lines
SEMI JOIN (SELECT DISTINCT * FROM touched_invoices) USING (source, customer_id, invoice_no, shop_day);
INSERT INTO sales.invoices BY NAME FROM sales.invoices_of('touched_lines');
CREATE OR REPLACE TEMP TABLE touched_customers AS SELECT DISTINCT customer_id FROM touched_invoices;
