-- reason: the staged lines come where those of replaced deliveries went; nobody sees a state between, it is one transaction
INSERT INTO sales.transaction_lines BY NAME
SELECT * EXCLUDE (reasons, delivered), $source AS source FROM landing.staged_lines WHERE reasons IS NULL;
INSERT INTO landing.quarantine BY NAME
SELECT load_id, line_number, line_id, invoice_no, amount, content_key, outcome, rounded, reasons, delivered
FROM landing.staged_lines WHERE reasons IS NOT NULL;
DELETE FROM landing.staged_lines;
