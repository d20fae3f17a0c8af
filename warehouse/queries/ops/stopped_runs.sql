-- grain: run or step by hand that ended without a word and that no run has told of yet
-- reason: what was to tell of them may have been killed, too. A run that ended told of all before it; a step by hand, which has no
--   as_of, tells whoever takes it, and nobody else.
SELECT run_id, command, about, as_of, started_at FROM ops.runs
WHERE status = 'crashed' AND started_at > coalesce(
    (SELECT max(started_at) FROM ops.runs WHERE as_of IS NOT NULL AND status NOT IN ('running', 'crashed')), '-infinity')
ORDER BY started_at;
