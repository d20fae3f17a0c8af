-- reason: a source without a file of merges merges nobody
CREATE OR REPLACE TEMP TABLE given_merges (customer_id VARCHAR, merged_id VARCHAR);
