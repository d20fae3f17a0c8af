-- grain: quarantined line received before $before; lines that are equal go together, once the last of them is old
CREATE OR REPLACE TEMP TABLE going_lines AS
SELECT rowid AS row_number, load_id, outcome, amount FROM sales.transaction_lines WHERE false;
CREATE OR REPLACE TEMP TABLE going_quarantine AS
SELECT lines.rowid AS row_number, load_id, outcome, amount FROM landing.quarantine AS lines
WHERE content_key NOT IN (
    SELECT content_key FROM landing.quarantine JOIN landing.loads USING (load_id) WHERE received_at >= $before
);
