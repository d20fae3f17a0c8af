-- grain: customer
-- reason: the activity of a range's first date, beside the stored one, which stays as it is
CREATE OR REPLACE TEMP TABLE activity_of_date AS FROM features.activity_of('sales.invoices', $as_of, $window_days);
CREATE OR REPLACE TEMP VIEW activity AS SELECT *, rowid AS row_number FROM activity_of_date;
CREATE OR REPLACE TEMP TABLE changed_invoices (customer_id VARCHAR, shop_day DATE);
