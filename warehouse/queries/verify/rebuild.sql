-- grain: the tables of the warehouse as a rebuild from lines and quarantine alone gives them, for comparison
-- inputs: sales.transaction_lines, landing.quarantine, sales.customer_merges, features.state; $keep: duplicates count
-- reason: incremental is only worth having if it is provably the same as starting over. A faulty line was replayed if a
--   replay of its load has its number, or has lost lines to an erasure.
CREATE OR REPLACE TEMP TABLE brought_again AS
SELECT replays_load_id AS load_id, line_number FROM landing.loads JOIN sales.transaction_lines USING (load_id)
WHERE replays_load_id IS NOT NULL AND status = 'accepted'
UNION
SELECT load_id, line_number FROM landing.quarantine
WHERE outcome = 'replayed' AND load_id IN (SELECT replays_load_id FROM landing.loads WHERE erased_lines > 0);
CREATE OR REPLACE TEMP TABLE rebuilt_lines AS
SELECT * EXCLUDE (is_duplicate, faulty, replayed), CASE
    WHEN replayed THEN 'replayed' WHEN is_duplicate THEN 'duplicate' WHEN faulty THEN 'quarantined' WHEN customer_id IS NULL THEN 'unattributed'
    WHEN quantity < 0 THEN 'return' ELSE 'purchase' END AS outcome
FROM (
    SELECT * EXCLUDE (outcome), CASE WHEN $keep AND line_id IS NULL THEN false ELSE row_number() OVER (
        PARTITION BY content_key, coalesce(line_id, invoice_no)
        ORDER BY faulty, NOT replayed,
            CASE WHEN line_id IS NULL THEN load_id ELSE -load_id END,
            CASE WHEN line_id IS NULL THEN line_number ELSE -line_number END
        ) > 1 END AS is_duplicate
    FROM (
        SELECT load_id, line_number, source, line_id, invoice_no, product, description, quantity, amount, invoiced_at,
            shop_day, customer_id, country, content_key, outcome, false AS faulty, false AS replayed
        FROM sales.customer_lines
        UNION ALL BY NAME
        SELECT load_id, line_number, line_id, invoice_no, amount, content_key, outcome, true AS faulty,
            (load_id, line_number) IN (SELECT (load_id, line_number) FROM brought_again) AS replayed
        FROM landing.quarantine
    )
);
CREATE OR REPLACE TEMP TABLE rebuilt_invoices AS FROM sales.invoices_of('rebuilt_lines');
CREATE OR REPLACE TEMP TABLE rebuilt_daily AS FROM sales.daily_of('rebuilt_lines');
CREATE OR REPLACE TEMP TABLE rebuilt_product_months AS FROM sales.product_months_of('rebuilt_lines');
CREATE OR REPLACE TEMP TABLE rebuilt_customer_products AS FROM sales.customer_products_of('rebuilt_lines');
CREATE OR REPLACE TEMP TABLE rebuilt_activity AS
FROM features.activity_of('rebuilt_invoices', (SELECT as_of FROM features.state), (SELECT window_days FROM features.state));
CREATE OR REPLACE TEMP TABLE stored_outcomes AS
SELECT load_id, line_number, outcome FROM sales.transaction_lines
UNION ALL SELECT load_id, line_number, outcome FROM landing.quarantine;
CREATE OR REPLACE TEMP TABLE stored_counts AS
SELECT load_id, COLUMNS('^(purchase|return|unattributed|quarantined|duplicate|replayed)_(lines|amount)$')
FROM landing.loads WHERE status = 'accepted' AND delivered_lines > 0;
CREATE OR REPLACE TEMP TABLE recounted_loads AS
FROM landing.outcomes_of_loads
WHERE load_id IN (SELECT load_id FROM stored_counts) OR load_id IN (SELECT load_id FROM stored_outcomes);
CREATE OR REPLACE TEMP TABLE delivered AS
SELECT load_id, delivered_lines - erased_lines AS lines, CAST(delivered_amount - erased_amount AS DECIMAL(18, 4)) AS amount
FROM landing.loads WHERE status = 'accepted' AND delivered_lines > 0;
CREATE OR REPLACE TEMP TABLE accounted AS
SELECT load_id, purchase_lines + return_lines + unattributed_lines + quarantined_lines + duplicate_lines + replayed_lines AS lines,
    CAST(purchase_amount + return_amount + unattributed_amount + quarantined_amount + duplicate_amount + replayed_amount AS DECIMAL(18, 4)) AS amount
FROM recounted_loads;
