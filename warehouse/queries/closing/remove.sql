-- inputs: going_lines, going_quarantine
-- reason: what went stays counted by load and outcome, so that the ledger adds up to what was delivered
INSERT INTO landing.expired
SELECT load_id, outcome, count(*), coalesce(sum(amount), 0)
FROM (SELECT load_id, outcome, amount FROM going_lines UNION ALL SELECT load_id, outcome, amount FROM going_quarantine) GROUP BY load_id, outcome;
DELETE FROM sales.transaction_lines WHERE rowid IN (SELECT row_number FROM going_lines);
DELETE FROM landing.quarantine WHERE rowid IN (SELECT row_number FROM going_quarantine);
