-- reason: what the staged deliveries can change: the contents they bring, and the invoices and days of their lines
CREATE OR REPLACE TEMP TABLE touched_keys AS SELECT content_key FROM landing.staged_lines;
CREATE OR REPLACE TEMP TABLE parted_keys (content_key UBIGINT);
CREATE OR REPLACE TEMP TABLE touched_invoices AS
SELECT DISTINCT $source AS source, customer_id, invoice_no, shop_day
FROM landing.staged_lines WHERE reasons IS NULL AND customer_id IS NOT NULL;
CREATE OR REPLACE TEMP TABLE touched_days AS SELECT DISTINCT shop_day FROM landing.staged_lines WHERE reasons IS NULL;
CREATE OR REPLACE TEMP TABLE lost_pairs (customer_id VARCHAR, product VARCHAR);
