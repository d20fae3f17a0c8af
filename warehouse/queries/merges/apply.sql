-- grain: invoice, and customer x product, that may have changed: by the customer it belongs to, or belonged to
-- inputs: touched_invoices and lost_pairs, by the customer they were delivered with; changed_merges, given_merges
-- reason: what moves from one customer to another is rebuilt for both
INSERT INTO touched_invoices
SELECT DISTINCT source, customer_id, invoice_no, shop_day
FROM sales.transaction_lines WHERE customer_id IN (FROM changed_merges);
INSERT INTO lost_pairs
SELECT DISTINCT customer_id, product
FROM sales.transaction_lines WHERE customer_id IN (FROM changed_merges) AND product IS NOT NULL;
CREATE OR REPLACE TEMP TABLE belonged AS
SELECT customer_id, merged_id FROM sales.customer_merges
UNION SELECT customer_id, merged_id FROM given_merges
UNION SELECT customer_id, customer_id FROM changed_merges;
CREATE OR REPLACE TEMP TABLE touched_invoices AS
SELECT DISTINCT touched.* REPLACE (coalesce(merged_id, touched.customer_id) AS customer_id)
FROM touched_invoices AS touched LEFT JOIN belonged ON belonged.customer_id = touched.customer_id;
CREATE OR REPLACE TEMP TABLE lost_pairs AS
SELECT DISTINCT lost.* REPLACE (coalesce(merged_id, lost.customer_id) AS customer_id)
FROM lost_pairs AS lost LEFT JOIN belonged ON belonged.customer_id = lost.customer_id;
DELETE FROM sales.customer_merges WHERE customer_id IN (FROM changed_merges);
INSERT INTO sales.customer_merges BY NAME SELECT * FROM given_merges WHERE customer_id IN (FROM changed_merges);
