-- grain: customer whose activity is computed from all their invoices, beside those to whom new ones are added
-- inputs: anew_customers, advanced_activity; activity, with its rows' numbers; sales.invoices
-- reason: most nights bring nothing but new invoices, and planning this takes longer than finding that there is nobody
CREATE OR REPLACE TEMP VIEW former_rows AS
SELECT row_number FROM advanced_activity WHERE row_number IS NOT NULL
UNION
SELECT row_number FROM activity SEMI JOIN anew_customers USING (customer_id);
CREATE OR REPLACE TEMP VIEW anew_invoices AS SELECT * FROM sales.invoices SEMI JOIN anew_customers USING (customer_id);
CREATE OR REPLACE TEMP TABLE anew_activity AS FROM features.activity_of('anew_invoices', $as_of, $window_days);
CREATE OR REPLACE TEMP VIEW affected_activity AS
FROM anew_activity
UNION ALL BY NAME
SELECT * EXCLUDE (not_to_reach, row_number) FROM advanced_activity ANTI JOIN anew_customers USING (customer_id);
