-- grain: line of a corrected export that names no line, or one that another line names too
-- inputs: corrections
SELECT line, CASE WHEN load_id IS NULL OR line_number IS NULL THEN 'it does not tell the load and line it stands for'
    ELSE 'load ' || load_id || ' line ' || line_number || ' is there twice' END AS problem
FROM corrections
QUALIFY load_id IS NULL OR line_number IS NULL OR count(*) OVER (PARTITION BY load_id, line_number) > 1
ORDER BY line LIMIT 20;
