-- grain: affected customer
-- inputs: affected_customers, affected_activity
-- reason: from one date of a range to the next only these change, as from one night to the next
DELETE FROM activity_of_date WHERE customer_id IN (FROM affected_customers);
INSERT INTO activity_of_date BY NAME FROM affected_activity;
