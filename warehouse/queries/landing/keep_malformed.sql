-- grain: line with too few or too many columns, or a stray quote
-- inputs: reject_errors / reject_scans of the scan just made, delivered_files
-- reason: one bad line must not stop a night, nor be lost; the records after it are renumbered as in the file. A line in
--   which an erased customer's id stands as a value is theirs, wherever it stands: its columns cannot be trusted.
CREATE OR REPLACE TEMP TABLE malformed AS
SELECT *, $inner_pad IS NOT NULL AND EXISTS (
    SELECT 1 FROM unnest(string_split(csv_line, $delimiter)) AS split(value)
    WHERE erasure.is_erased(erasure.id_of(trim(value, ' ' || $quote)), $inner_pad, $outer_pad)
) AS gone
FROM (
SELECT load_id, line - $header AS line_number, any_value(trim(csv_line, chr(10) || chr(13))) AS csv_line, any_value(error_message) AS error_message,
    row_number() OVER (PARTITION BY load_id ORDER BY line) AS place
FROM reject_errors
JOIN reject_scans USING (scan_id, file_id)
JOIN delivered_files ON file = file_path
GROUP BY load_id, line
);
UPDATE landing.staged_lines SET line_number = line_number + (
    SELECT count(*) FROM malformed
    WHERE malformed.load_id = staged_lines.load_id AND malformed.line_number - malformed.place < staged_lines.line_number
) WHERE load_id IN (SELECT load_id FROM malformed);
INSERT INTO landing.staged_lines BY NAME
SELECT load_id, line_number, CASE WHEN gone THEN 0 ELSE CAST(md5_number($source || chr(31) || csv_line) >> 64 AS UBIGINT) END AS content_key,
    CASE WHEN gone THEN 'erased' ELSE 'quarantined' END AS outcome, false AS rounded, CASE WHEN NOT gone THEN [$reason] END AS reasons,
    CASE WHEN NOT gone THEN CAST(to_json({line: csv_line, problem: error_message}) AS VARCHAR) END AS delivered
FROM malformed;
