-- inputs: gone_lines, gone_quarantine
-- reason: lines go as if their deliveries had never held them; what follows from them is rebuilt by the steps of landing;
--   what is kept of months is made again when it is asked for
CREATE OR REPLACE TEMP TABLE belonging AS
SELECT lines.* REPLACE (coalesce(merged_id, lines.customer_id) AS customer_id)
FROM gone_lines AS lines LEFT JOIN sales.customer_merges AS m ON m.customer_id = lines.customer_id
WHERE lines.customer_id IS NOT NULL;
CREATE OR REPLACE TEMP TABLE touched_invoices AS SELECT DISTINCT source, customer_id, invoice_no, shop_day FROM belonging;
CREATE OR REPLACE TEMP TABLE touched_days AS SELECT DISTINCT shop_day FROM gone_lines;
CREATE OR REPLACE TEMP TABLE lost_pairs AS
SELECT DISTINCT customer_id, product FROM belonging WHERE product IS NOT NULL;
CREATE OR REPLACE TEMP TABLE touched_keys AS
SELECT content_key FROM sales.transaction_lines WHERE rowid IN (SELECT row_number FROM gone_lines)
UNION SELECT content_key FROM landing.quarantine WHERE rowid IN (SELECT row_number FROM gone_quarantine);
CREATE OR REPLACE TEMP TABLE parted_keys AS FROM touched_keys;
DELETE FROM sales.transaction_lines WHERE rowid IN (SELECT row_number FROM gone_lines);
DELETE FROM landing.quarantine WHERE rowid IN (SELECT row_number FROM gone_quarantine);
DELETE FROM sales.month_cohorts;
DELETE FROM sales.month_countries;
DELETE FROM segments.month_sums;
