-- grain: affected customer
-- inputs: former_rows, affected_activity
-- reason: from one date of a range to the next only these change, as from one night to the next
DELETE FROM activity_of_date WHERE rowid IN (FROM former_rows);
INSERT INTO activity_of_date BY NAME FROM affected_activity;
