-- grain: customer
-- reason: there is no activity yet, or its window changed, so that every customer's row does
DELETE FROM features.customer_activity;
INSERT INTO features.customer_activity BY NAME FROM features.activity_of('sales.invoices', $as_of, $window_days);
