-- grain: step taken by hand since the last run
SELECT command, about, requested_by AS "by", ended_at AS ended, status, error FROM ops.runs
WHERE as_of IS NULL
    AND started_at > coalesce((SELECT max(started_at) FROM ops.runs WHERE as_of IS NOT NULL), '-infinity')
ORDER BY started_at;
