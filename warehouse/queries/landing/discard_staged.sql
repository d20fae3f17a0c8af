-- reason: a run that was stopped leaves staged deliveries; their files are still there and are offered again
DELETE FROM landing.staged_lines;
DELETE FROM landing.loads WHERE status = 'staged';
