-- grain: run
-- reason: a run that waited and tries again leaves one record, of its last attempt
DELETE FROM ops.runs WHERE run_id = $run_id;
DELETE FROM ops.checks WHERE run_id = $run_id;
INSERT INTO ops.runs (run_id, command, as_of, started_at, status, requested_by)
VALUES ($run_id, $command, $as_of, $now, 'running', $by);
DELETE FROM ops.run_context;
INSERT INTO ops.run_context SELECT $run_id, $as_of WHERE $as_of IS NOT NULL;
