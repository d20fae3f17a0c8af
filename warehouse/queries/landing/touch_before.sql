-- reason: what the accepted deliveries can change: the contents they bring or take away, the invoices and days of lines that
--   come or go, and the products of lines that go. A load goes with the replays of its quarantine.
CREATE OR REPLACE TEMP TABLE replaced AS SELECT DISTINCT replaced_load_id AS load_id FROM landing.replaced_loads;
INSERT INTO replaced
SELECT load_id FROM landing.loads WHERE status = 'accepted' AND replays_load_id IN (FROM replaced);
CREATE OR REPLACE TEMP TABLE touched_keys AS
SELECT DISTINCT content_key FROM (
    SELECT content_key FROM landing.staged_lines
    UNION ALL SELECT content_key FROM sales.transaction_lines WHERE load_id IN (FROM replaced)
    UNION ALL SELECT content_key FROM landing.quarantine WHERE load_id IN (FROM replaced)
);
CREATE OR REPLACE TEMP TABLE touched_invoices AS
SELECT DISTINCT source, customer_id, invoice_no, shop_day FROM (
    SELECT source, customer_id, invoice_no, shop_day FROM sales.transaction_lines WHERE load_id IN (FROM replaced)
    UNION ALL SELECT $source, customer_id, invoice_no, shop_day FROM landing.staged_lines WHERE reasons IS NULL
) WHERE customer_id IS NOT NULL;
CREATE OR REPLACE TEMP TABLE touched_days AS
SELECT shop_day FROM sales.transaction_lines WHERE load_id IN (FROM replaced)
UNION SELECT shop_day FROM landing.staged_lines WHERE reasons IS NULL;
CREATE OR REPLACE TEMP TABLE lost_pairs AS
SELECT DISTINCT customer_id, product FROM sales.transaction_lines
WHERE load_id IN (FROM replaced) AND outcome = 'purchase' AND product IS NOT NULL;
