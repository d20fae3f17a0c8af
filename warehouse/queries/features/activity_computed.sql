-- grain: customer
-- reason: another date than the stored activity's; the same definition over all invoices
CREATE OR REPLACE TEMP TABLE computed_activity AS FROM features.activity_of('sales.invoices', $as_of, $window_days);
CREATE OR REPLACE TEMP VIEW activity AS FROM computed_activity;
