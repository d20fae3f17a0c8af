-- grain: run
UPDATE ops.runs SET status = $status, ended_at = $now, version_id = $version_id, error = $error, seconds = $seconds
WHERE run_id = $run_id;
