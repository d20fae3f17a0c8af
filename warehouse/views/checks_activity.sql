-- grain: one customer of features.customer_activity
-- inputs: features.customer_activity, features.state
-- reason: the suite compares columns in pairs, so sums and the date to compare with stand beside them.
CREATE SCHEMA IF NOT EXISTS checks;

CREATE OR REPLACE VIEW checks.activity AS
SELECT
    customer_id,
    first_purchase_day,
    last_purchase_day,
    frequency,
    gross,
    returned,
    net,
    gross + returned AS gross_plus_returned,
    purchase_lines,
    return_lines,
    items,
    active_months,
    country,
    CASE WHEN last_purchase_day IS NULL THEN frequency ELSE 0 END AS undated_purchases,
    (SELECT max(as_of) FROM features.state) AS as_of
FROM features.customer_activity;
