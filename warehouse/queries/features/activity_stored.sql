-- grain: customer
-- reason: the stored activity is of this very date
CREATE OR REPLACE TEMP VIEW activity AS SELECT *, rowid AS row_number FROM features.customer_activity;
