-- inputs: $times, a list of load_id and modified_ns; $now, when the run that looked began
-- reason: files that were touched and have the content they had; the next night goes by their times again. When a delivery
--   was received stays, as what is told of it and its quarantine goes by that
UPDATE landing.loads SET modified_ns = touched.modified_ns, looked_at = $now
FROM (SELECT unnest($times, recursive := true)) AS touched
WHERE loads.load_id = touched.load_id;
