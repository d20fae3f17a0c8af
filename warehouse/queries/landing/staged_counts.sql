-- grain: file of delivered_files that has lines
-- reason: what was read is held to what the file has
SELECT load_id, count(*) AS lines
FROM landing.staged_lines SEMI JOIN delivered_files USING (load_id)
GROUP BY load_id;
