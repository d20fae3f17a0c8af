-- grain: run or step by hand that ended without a word
-- reason: only one writer holds the warehouse, so another that still counts as running when it begins was killed
UPDATE ops.runs SET status = 'crashed', ended_at = $now WHERE status = 'running'
RETURNING run_id, command, about, as_of, started_at;
