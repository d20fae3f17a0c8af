-- grain: affected customer
-- inputs: former_rows, affected_activity
-- reason: the stored activity becomes that of the new date
DELETE FROM features.customer_activity WHERE rowid IN (FROM former_rows);
INSERT INTO features.customer_activity BY NAME FROM affected_activity;
