-- grain: the last run that ended
SELECT command, status, as_of, started_at AS began, ended_at AS ended, error FROM ops.runs
WHERE as_of IS NOT NULL AND ended_at IS NOT NULL ORDER BY started_at DESC LIMIT 1;
