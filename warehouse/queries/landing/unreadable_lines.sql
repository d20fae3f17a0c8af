-- grain: file with a line the CSV reader rejected for a reason that puts its neighbours in doubt: the first such line
-- inputs: reject_errors / reject_scans of the scan just made, delivered_files
SELECT load_id, min(line) AS line, CAST(arg_min(error_type, line) AS VARCHAR) AS error_type
FROM reject_errors
JOIN reject_scans USING (scan_id, file_id)
JOIN delivered_files ON file = file_path
WHERE CAST(error_type AS VARCHAR) IN ('INVALID ENCODING', 'LINE SIZE OVER MAXIMUM')
    OR (CAST(error_type AS VARCHAR) = 'UNQUOTED VALUE' AND contains(ltrim(csv_line, chr(10) || chr(13)), chr(10)))
GROUP BY load_id;
