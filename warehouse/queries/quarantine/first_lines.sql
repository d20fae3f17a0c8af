-- grain: line that is asked for, in the order of delivery; the first $limit
-- inputs: asked_lines
SELECT load_id, unit, line_number AS line, reasons, delivered FROM asked_lines
ORDER BY load_id, line_number LIMIT $limit;
