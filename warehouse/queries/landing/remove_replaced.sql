-- reason: the lines of replaced deliveries go, and what they were part of is touched: contents, invoices, days, and products
--   that were bought. A load goes with the replays of its quarantine.
CREATE OR REPLACE TEMP TABLE replaced AS SELECT DISTINCT replaced_load_id AS load_id FROM landing.replaced_loads;
INSERT INTO replaced
SELECT load_id FROM landing.loads WHERE status = 'accepted' AND replays_load_id IN (FROM replaced);
CREATE OR REPLACE TEMP TABLE replaced_lines AS FROM sales.transaction_lines WHERE load_id IN (FROM replaced);
INSERT INTO parted_keys
SELECT content_key FROM replaced_lines
UNION SELECT content_key FROM landing.quarantine WHERE load_id IN (FROM replaced);
INSERT INTO touched_keys FROM parted_keys;
INSERT INTO touched_invoices
SELECT DISTINCT source, customer_id, invoice_no, shop_day FROM replaced_lines WHERE customer_id IS NOT NULL;
INSERT INTO touched_days SELECT DISTINCT shop_day FROM replaced_lines;
INSERT INTO lost_pairs
SELECT DISTINCT customer_id, product FROM replaced_lines WHERE outcome = 'purchase' AND product IS NOT NULL;
DELETE FROM sales.transaction_lines WHERE load_id IN (FROM replaced);
DELETE FROM landing.quarantine WHERE load_id IN (FROM replaced);
UPDATE landing.loads SET status = 'replaced' WHERE load_id IN (FROM replaced);
