-- grain: run
-- reason: only one run holds the warehouse, so another that still counts as running was killed
UPDATE ops.runs SET status = 'crashed', ended_at = $now WHERE status = 'running';
INSERT INTO ops.runs (run_id, command, as_of, started_at, status) VALUES ($run_id, $command, $as_of, $now, 'running');
DELETE FROM ops.run_context;
INSERT INTO ops.run_context SELECT $run_id, $as_of WHERE $as_of IS NOT NULL;
