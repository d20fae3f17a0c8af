-- grain: the tables of the warehouse as a rebuild from lines and quarantine alone gives them, for comparison
-- inputs: sales.transaction_lines, landing.quarantine, sales.customer_merges, features.state; $keep: duplicates count
-- reason: incremental is only worth having if it is provably the same as starting over. What was
--   made of closed days is taken as it is, their lines are gone. A faulty line was replayed if a
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
CREATE OR REPLACE TEMP TABLE rebuilt_invoices AS
FROM sales.invoices_of('rebuilt_lines') WHERE landing.is_open(shop_day)
UNION ALL BY NAME FROM sales.invoices WHERE NOT landing.is_open(shop_day);
CREATE OR REPLACE TEMP TABLE rebuilt_daily AS
FROM sales.daily_of('rebuilt_lines') WHERE landing.is_open(shop_day)
UNION ALL BY NAME FROM sales.daily WHERE NOT landing.is_open(shop_day);
CREATE OR REPLACE TEMP TABLE rebuilt_product_months AS
FROM sales.product_months_of('rebuilt_lines') WHERE landing.is_open(month)
UNION ALL BY NAME FROM sales.product_months WHERE NOT landing.is_open(month);
CREATE OR REPLACE TEMP TABLE closed_pairs AS FROM sales.customer_products WHERE NOT landing.is_open(first_purchase_day);
CREATE OR REPLACE TEMP TABLE rebuilt_customer_products AS
FROM sales.customer_products_of('rebuilt_lines') ANTI JOIN closed_pairs USING (customer_id, product)
UNION ALL BY NAME FROM closed_pairs;
CREATE OR REPLACE TEMP TABLE rebuilt_activity AS
FROM features.activity_of('rebuilt_invoices', (SELECT as_of FROM features.state), (SELECT window_days FROM features.state));
