-- grain: source x customer x invoice_no x shop_day, of the touched ones only
-- inputs: touched_invoices, by the customer they belong to
-- reason: an invoice is recomputed from its lines as a whole, so that any order of deliveries gives the same row. Lines
--   are looked for under the ids they were delivered with, and are in touched_lines, with what invoices and totals are made
--   of, under the customer they belong to. In the order of days, a day's invoices are found without a look at the others.
CREATE OR REPLACE TEMP TABLE former_invoices AS
SELECT * FROM sales.invoices SEMI JOIN touched_invoices USING (source, customer_id, invoice_no, shop_day);
DELETE FROM sales.invoices USING touched_invoices AS touched
WHERE invoices.source = touched.source AND invoices.customer_id = touched.customer_id
    AND invoices.invoice_no = touched.invoice_no AND invoices.shop_day = touched.shop_day;
CREATE OR REPLACE TEMP TABLE touched_lines AS
SELECT lines.source, touched.customer_id, lines.invoice_no, lines.shop_day, country, product, quantity, amount, outcome
FROM sales.transaction_lines AS lines
JOIN (SELECT DISTINCT * FROM sales.as_delivered('touched_invoices')) AS touched
    ON touched.source = lines.source AND touched.delivered_id = lines.customer_id
    AND touched.invoice_no = lines.invoice_no AND touched.shop_day = lines.shop_day;
CREATE OR REPLACE TEMP TABLE rebuilt_invoices AS FROM sales.invoices_of('touched_lines');
INSERT INTO sales.invoices BY NAME FROM rebuilt_invoices ORDER BY shop_day;
CREATE OR REPLACE TEMP TABLE changed_invoices AS
SELECT customer_id, shop_day
FROM former_invoices AS f FULL JOIN rebuilt_invoices AS r USING (source, customer_id, invoice_no, shop_day)
WHERE (f.country, f.purchase_lines, f.return_lines, f.items, f.gross, f.returned)
    IS DISTINCT FROM (r.country, r.purchase_lines, r.return_lines, r.items, r.gross, r.returned);
CREATE OR REPLACE TEMP TABLE touched_customers AS
SELECT customer_id, min(shop_day) AS first_day FROM touched_invoices GROUP BY customer_id;
