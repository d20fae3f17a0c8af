-- grain: stored line that goes: of a customer to erase, or delivered earlier or later under the line_id of such a line
-- inputs: gone; $customer_column: JSON path of the id in a quarantined line, null if none is mapped; $delimiter, $quote
-- reason: the shop's own name of the column tells whose a quarantined line is. Where it is missing (a malformed line, or one
--   kept under another mapping), a line in which the id stands as a value is the customer's. A product, description or
--   country that no other line has could tell of them in totals. A replayed line goes in both loads.
CREATE OR REPLACE TEMP TABLE gone_keys AS
SELECT DISTINCT content_key FROM sales.transaction_lines
WHERE customer_id IN (FROM gone) AND line_id IS NOT NULL AND outcome <> 'duplicate';
CREATE OR REPLACE TEMP TABLE gone_lines AS
SELECT rowid AS row_number, load_id, amount, source, customer_id, invoice_no, shop_day, product, description, country
FROM sales.transaction_lines
WHERE customer_id IN (FROM gone) OR (line_id IS NOT NULL AND content_key IN (FROM gone_keys));
CREATE OR REPLACE TEMP TABLE quarantined_ids AS
SELECT row_number, erasure.id_of(unnest(values)) AS customer_id FROM (
    SELECT rowid AS row_number, CASE
        WHEN json_exists(delivered, $customer_column) THEN [json_extract_string(delivered, $customer_column)]
        WHEN reasons = ['malformed_line'] THEN list_transform(
            string_split(json_extract_string(delivered, '$.line'), $delimiter), lambda value: trim(value, ' ' || $quote)
        )
        ELSE json_extract_string(delivered, '$.*') END AS values
    FROM landing.quarantine
);
CREATE OR REPLACE TEMP TABLE gone_quarantine AS
SELECT rowid AS row_number, load_id, amount FROM landing.quarantine
WHERE rowid IN (SELECT row_number FROM quarantined_ids WHERE customer_id IN (FROM gone))
    OR (load_id, line_number) IN (
        SELECT (replays_load_id, line_number) FROM sales.transaction_lines AS lines JOIN landing.loads USING (load_id)
        WHERE replays_load_id IS NOT NULL AND lines.rowid IN (SELECT row_number FROM gone_lines)
    );
CREATE OR REPLACE TEMP TABLE gone_texts AS
SELECT DISTINCT unnest([product, description, country]) AS text FROM gone_lines;
DELETE FROM gone_texts WHERE text IS NULL OR text IN (
    SELECT unnest([product, description, country]) FROM sales.transaction_lines
    WHERE (product IN (FROM gone_texts) OR description IN (FROM gone_texts) OR country IN (FROM gone_texts))
        AND rowid NOT IN (SELECT row_number FROM gone_lines)
);
