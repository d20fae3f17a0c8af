-- grain: step taken by hand, once it has ended; it has no as_of
INSERT INTO ops.runs (run_id, command, about, requested_by, started_at, ended_at, status, error, seconds)
VALUES ($run_id, $command, $about, $by, $began, $ended, $status, $error, '{}');
