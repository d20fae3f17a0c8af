-- grain: one line of the deliveries that wait to be accepted, without the quarantined ones
-- inputs: landing.staged_lines, landing.loads
-- reason: single bad lines are found and set aside by our own SQL; what is judged is what would be accepted.
CREATE SCHEMA IF NOT EXISTS checks;

CREATE OR REPLACE VIEW checks.batch AS
SELECT
    load_id,
    line_number,
    line_id,
    invoice_no,
    product,
    description,
    quantity,
    unit_price,
    amount,
    invoiced_at,
    shop_day,
    customer_id,
    country,
    outcome
FROM landing.staged_lines
WHERE outcome <> 'quarantined'
    AND load_id IN (SELECT load_id FROM landing.loads WHERE status = 'staged');
