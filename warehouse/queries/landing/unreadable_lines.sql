-- grain: line the CSV reader rejected for a reason that puts its neighbours in doubt
-- inputs: reject_errors of the scan just made
SELECT line, CAST(error_type AS VARCHAR) AS error_type
FROM reject_errors
WHERE CAST(error_type AS VARCHAR) IN ('INVALID ENCODING', 'LINE SIZE OVER MAXIMUM')
    OR (CAST(error_type AS VARCHAR) = 'UNQUOTED VALUE' AND contains(rtrim(csv_line, chr(10) || chr(13)), chr(10)))
ORDER BY line
LIMIT 1;
