-- grain: line whose verdict on being a duplicate changes
-- inputs: touched_keys; parted_keys, those of them that lost a line; $keep: lines without a line_id all count
-- reason: of lines with the same content one counts: a sound one before a faulty one, then the first delivered; of lines
--   with the same line_id the last delivered. A faulty line that was replayed is settled: it stands before others like it
--   that come again. The id or invoice number beside the 8-byte key keeps chance collisions apart. Keys are looked up in
--   8 bytes a line first; whole rows are fetched only where lines share one, or a duplicate may be left alone. A line that comes as
--   a duplicate never was the first of its customer's purchases of a product, so that none is looked up anew for it.
CREATE OR REPLACE TEMP TABLE touched_rows AS
SELECT content_key, rowid AS row_number, false AS faulty
FROM sales.transaction_lines WHERE content_key IN (FROM touched_keys)
UNION ALL
SELECT content_key, rowid, true FROM landing.quarantine WHERE content_key IN (FROM touched_keys);
CREATE OR REPLACE TEMP TABLE contending_rows AS
SELECT row_number, faulty FROM touched_rows WHERE content_key IN (
    SELECT content_key FROM touched_rows GROUP BY content_key HAVING count(*) > 1 UNION ALL FROM parted_keys
);
CREATE OR REPLACE TEMP TABLE contenders AS
SELECT *, count(*) OVER (PARTITION BY content_key) AS rivals FROM (
    SELECT content_key, load_id, line_number, line_id, invoice_no, outcome, false AS faulty, rowid AS row_number
    FROM sales.transaction_lines WHERE rowid IN (SELECT row_number FROM contending_rows WHERE NOT faulty)
    UNION ALL
    SELECT content_key, load_id, line_number, line_id, invoice_no, outcome, true, rowid
    FROM landing.quarantine WHERE rowid IN (SELECT row_number FROM contending_rows WHERE faulty)
)
QUALIFY rivals > 1 OR outcome = 'duplicate';
CREATE OR REPLACE TEMP TABLE verdicts AS
SELECT *, outcome = 'duplicate' AS was_duplicate, CASE
    WHEN outcome = 'replayed' OR ($keep AND line_id IS NULL) THEN false ELSE row_number() OVER (
    PARTITION BY content_key, coalesce(line_id, invoice_no) ORDER BY
        faulty, outcome <> 'replayed',
        CASE WHEN line_id IS NULL THEN load_id ELSE -load_id END,
        CASE WHEN line_id IS NULL THEN line_number ELSE -line_number END
    ) > 1 END AS is_duplicate
FROM contenders
QUALIFY is_duplicate <> was_duplicate;
CREATE OR REPLACE TEMP TABLE judged AS
SELECT source, customer_id, lines.invoice_no, shop_day, product, is_duplicate AND verdicts.load_id NOT IN (
    SELECT load_id FROM landing.loads WHERE status = 'staged'
) AS lost
FROM sales.transaction_lines AS lines JOIN verdicts ON lines.rowid = row_number AND NOT faulty;
INSERT INTO touched_invoices
SELECT DISTINCT source, customer_id, invoice_no, shop_day FROM judged WHERE customer_id IS NOT NULL;
INSERT INTO touched_days SELECT DISTINCT shop_day FROM judged;
INSERT INTO lost_pairs SELECT DISTINCT customer_id, product FROM judged WHERE lost AND customer_id IS NOT NULL AND product IS NOT NULL;
UPDATE sales.transaction_lines SET outcome = CASE
    WHEN verdicts.is_duplicate THEN 'duplicate'
    WHEN transaction_lines.customer_id IS NULL THEN 'unattributed'
    WHEN transaction_lines.quantity < 0 THEN 'return' ELSE 'purchase' END
FROM verdicts WHERE NOT verdicts.faulty AND transaction_lines.rowid = verdicts.row_number;
UPDATE landing.quarantine SET outcome = CASE WHEN verdicts.is_duplicate THEN 'duplicate' ELSE 'quarantined' END
FROM verdicts WHERE verdicts.faulty AND quarantine.rowid = verdicts.row_number;
