-- grain: line that was tried again and is still faulty
-- reason: what would only be quarantined again stays where it is, so that trying twice does nothing the second time
CREATE OR REPLACE TEMP TABLE still_faulty AS
SELECT load_id, line_number, outcome, reasons FROM landing.staged_lines WHERE outcome IN ('quarantined', 'erased');
DELETE FROM landing.staged_lines WHERE outcome IN ('quarantined', 'erased');
DELETE FROM landing.loads WHERE status = 'staged' AND load_id NOT IN (SELECT load_id FROM landing.staged_lines);
