-- grain: line of a day before $before, the first of a month; what was quarantined and is the same line goes with it
-- reason: lines go and stay counted, invoices and totals stay. Lines of one line_id go together, once the last of them is
--   old: while a newer one is there the older ones have to be known as its duplicates.
CREATE OR REPLACE TEMP TABLE going_keys AS
SELECT DISTINCT content_key FROM sales.transaction_lines WHERE shop_day < $before AND content_key NOT IN (
    SELECT content_key FROM sales.transaction_lines WHERE shop_day >= $before AND line_id IS NOT NULL
);
CREATE OR REPLACE TEMP TABLE going_lines AS
SELECT rowid AS row_number, load_id, line_number, outcome, amount FROM sales.transaction_lines
WHERE shop_day < $before AND content_key IN (FROM going_keys);
CREATE OR REPLACE TEMP TABLE going_quarantine AS
SELECT rowid AS row_number, load_id, outcome, amount FROM landing.quarantine AS faulty
WHERE content_key IN (FROM going_keys) OR (load_id, line_number) IN (
    SELECT (replays_load_id, line_number) FROM going_lines JOIN landing.loads USING (load_id) WHERE replays_load_id IS NOT NULL
);
DELETE FROM landing.closed_days;
INSERT INTO landing.closed_days VALUES ($before);
