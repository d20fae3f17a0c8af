-- grain: affected customer
-- inputs: affected_customers, affected_activity
-- reason: the stored activity becomes that of the new date
DELETE FROM features.customer_activity WHERE customer_id IN (FROM affected_customers);
INSERT INTO features.customer_activity BY NAME FROM affected_activity;
