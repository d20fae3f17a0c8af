-- grain: segmented customer
-- reason: another date than the stored activity's; the same definition over all invoices
CREATE OR REPLACE TEMP TABLE rfm AS FROM features.rfm($as_of, window_days := $window_days);
