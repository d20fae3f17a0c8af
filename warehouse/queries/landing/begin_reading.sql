-- inputs: $files, a list of rows (file, load_id)
-- reason: the reader of CSV adds to its tables of rejects; what a scan that failed left there must not be read as this one's
DROP TABLE IF EXISTS reject_errors;
DROP TABLE IF EXISTS reject_scans;
CREATE OR REPLACE TEMP TABLE delivered_files (file VARCHAR, load_id INTEGER);
INSERT INTO delivered_files BY NAME SELECT unnest($files, recursive := true);
