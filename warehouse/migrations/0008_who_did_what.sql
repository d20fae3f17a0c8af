-- Who asked for a run, and what it was about; steps taken by hand have a row, too, without an as_of.

ALTER TABLE ops.runs ADD COLUMN requested_by VARCHAR;  -- user and host; null in runs of releases before
ALTER TABLE ops.runs ADD COLUMN about VARCHAR;         -- of a step by hand: which version, which folder, how many customers
