-- reason: what reading needed goes with it
DROP TABLE IF EXISTS reject_errors;
DROP TABLE IF EXISTS reject_scans;
DROP TABLE IF EXISTS delivered_files;
DROP TABLE IF EXISTS malformed;
