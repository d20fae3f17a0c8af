-- grain: load, also one without a stored line
-- inputs: sales.transaction_lines, landing.quarantine
-- reason: counts and money of each outcome, for the ledger and for the check that it adds up
CREATE OR REPLACE VIEW landing.outcomes_of_loads AS
SELECT load_id,
    count(*) FILTER (outcome = 'purchase') AS purchase_lines,
    CAST(coalesce(sum(amount) FILTER (outcome = 'purchase'), 0) AS DECIMAL(18, 4)) AS purchase_amount,
    count(*) FILTER (outcome = 'return') AS return_lines,
    CAST(coalesce(sum(amount) FILTER (outcome = 'return'), 0) AS DECIMAL(18, 4)) AS return_amount,
    count(*) FILTER (outcome = 'unattributed') AS unattributed_lines,
    CAST(coalesce(sum(amount) FILTER (outcome = 'unattributed'), 0) AS DECIMAL(18, 4)) AS unattributed_amount,
    count(*) FILTER (outcome = 'quarantined') AS quarantined_lines,
    CAST(coalesce(sum(amount) FILTER (outcome = 'quarantined'), 0) AS DECIMAL(18, 4)) AS quarantined_amount,
    count(*) FILTER (outcome = 'duplicate') AS duplicate_lines,
    CAST(coalesce(sum(amount) FILTER (outcome = 'duplicate'), 0) AS DECIMAL(18, 4)) AS duplicate_amount,
    count(*) FILTER (outcome = 'replayed') AS replayed_lines,
    CAST(coalesce(sum(amount) FILTER (outcome = 'replayed'), 0) AS DECIMAL(18, 4)) AS replayed_amount
FROM (
    SELECT load_id, outcome, amount FROM sales.transaction_lines
    UNION ALL SELECT load_id, outcome, amount FROM landing.quarantine
    UNION ALL SELECT load_id, NULL, NULL FROM landing.loads
)
GROUP BY load_id;
