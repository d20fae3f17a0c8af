-- reason: the lines of replaced deliveries go, the staged ones come; nobody sees a state between, it is one transaction
DELETE FROM sales.transaction_lines WHERE load_id IN (FROM replaced);
DELETE FROM landing.quarantine WHERE load_id IN (FROM replaced);
INSERT INTO sales.transaction_lines BY NAME
SELECT * EXCLUDE (reasons, delivered), $source AS source FROM landing.staged_lines WHERE reasons IS NULL;
INSERT INTO landing.quarantine BY NAME
SELECT load_id, line_number, line_id, invoice_no, amount, content_key, outcome, rounded, reasons, delivered
FROM landing.staged_lines WHERE reasons IS NOT NULL;
DELETE FROM landing.staged_lines;
