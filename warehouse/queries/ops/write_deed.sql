-- grain: step taken by hand, as it begins and again when it has ended; it has no as_of
-- reason: not an update, since it may end in another file than it began in (restore), or in one that could not be written at first
DELETE FROM ops.runs WHERE run_id = $run_id;
INSERT INTO ops.runs (run_id, command, about, requested_by, started_at, ended_at, status, error, seconds)
VALUES ($run_id, $command, $about, $by, $began, $ended, $status, $error, '{}');
