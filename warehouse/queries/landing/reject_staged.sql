-- reason: a check stopped the run; the ledger remembers the deliveries and why, the lines go
DELETE FROM landing.staged_lines;
UPDATE landing.loads SET status = 'rejected', error = $reason WHERE status = 'staged';
