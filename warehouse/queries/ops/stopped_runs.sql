-- grain: run that never ended
-- reason: only one run holds the warehouse, so at the start of another one these were killed
SELECT command, as_of, started_at FROM ops.runs WHERE status = 'running' ORDER BY started_at;
