-- grain: source x customer x invoice_no x shop_day, of the touched ones only
-- inputs: touched_invoices, by the customer they belong to
-- reason: an invoice is recomputed from its lines as a whole, so that any order of deliveries gives the same row. Lines
--   are looked for under the ids they were delivered with, and are in touched_lines, of which invoices and totals are made,
--   under the customer they belong to. In the order of days, a day's invoices are found without a look at the others.
CREATE OR REPLACE TEMP TABLE former_invoices AS
SELECT *, rowid AS row_number FROM sales.invoices SEMI JOIN touched_invoices USING (source, customer_id, invoice_no, shop_day);
DELETE FROM sales.invoices WHERE rowid IN (SELECT row_number FROM former_invoices);
CREATE OR REPLACE TEMP VIEW touched_lines AS
SELECT lines.* REPLACE (coalesce(merged_id, lines.customer_id) AS customer_id)
FROM (
    SELECT lines.* FROM sales.transaction_lines AS lines
    SEMI JOIN sales.as_delivered('touched_invoices') AS touched
        ON touched.source = lines.source AND touched.delivered_id = lines.customer_id
        AND touched.invoice_no = lines.invoice_no AND touched.shop_day = lines.shop_day
) AS lines LEFT JOIN sales.customer_merges AS merges ON merges.customer_id = lines.customer_id;
CREATE OR REPLACE TEMP TABLE rebuilt_invoices AS FROM sales.invoices_of('touched_lines');
INSERT INTO sales.invoices BY NAME FROM rebuilt_invoices ORDER BY shop_day;
CREATE OR REPLACE TEMP TABLE changed_invoices AS
SELECT customer_id, shop_day
FROM former_invoices AS f FULL JOIN rebuilt_invoices AS r USING (source, customer_id, invoice_no, shop_day)
WHERE (f.country, f.purchase_lines, f.return_lines, f.items, f.gross, f.returned)
    IS DISTINCT FROM (r.country, r.purchase_lines, r.return_lines, r.items, r.gross, r.returned);
