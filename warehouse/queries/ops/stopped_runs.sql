-- grain: run that ended without a word and that no run has told of yet
-- reason: only one run holds the warehouse, so at the start of another one these were killed. What was to tell of them may have been
--   killed, too. A run that ended told of all before it; a step by hand, which has no as_of, tells of none.
SELECT run_id, command, as_of, started_at FROM ops.runs
WHERE status IN ('running', 'crashed') AND started_at > coalesce(
    (SELECT max(started_at) FROM ops.runs WHERE as_of IS NOT NULL AND status NOT IN ('running', 'crashed')), '-infinity')
ORDER BY started_at;
