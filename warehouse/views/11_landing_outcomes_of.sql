-- grain: load of those asked for, also one without a stored line
-- inputs: the name of a relation of load_id; sales.transaction_lines, landing.quarantine, landing.expired
-- reason: counts and money of each outcome, for the ledger and for the check that it adds up. Each part is limited to the
--   loads asked for: lines lie in the order of loads, so that of a long history only the end is read.
CREATE OR REPLACE MACRO landing.outcomes_of(loads) AS TABLE
SELECT load_id,
    CAST(coalesce(sum(lines) FILTER (outcome = 'purchase'), 0) AS BIGINT) AS purchase_lines,
    CAST(coalesce(sum(amount) FILTER (outcome = 'purchase'), 0) AS DECIMAL(18, 4)) AS purchase_amount,
    CAST(coalesce(sum(lines) FILTER (outcome = 'return'), 0) AS BIGINT) AS return_lines,
    CAST(coalesce(sum(amount) FILTER (outcome = 'return'), 0) AS DECIMAL(18, 4)) AS return_amount,
    CAST(coalesce(sum(lines) FILTER (outcome = 'unattributed'), 0) AS BIGINT) AS unattributed_lines,
    CAST(coalesce(sum(amount) FILTER (outcome = 'unattributed'), 0) AS DECIMAL(18, 4)) AS unattributed_amount,
    CAST(coalesce(sum(lines) FILTER (outcome = 'quarantined'), 0) AS BIGINT) AS quarantined_lines,
    CAST(coalesce(sum(amount) FILTER (outcome = 'quarantined'), 0) AS DECIMAL(18, 4)) AS quarantined_amount,
    CAST(coalesce(sum(lines) FILTER (outcome = 'duplicate'), 0) AS BIGINT) AS duplicate_lines,
    CAST(coalesce(sum(amount) FILTER (outcome = 'duplicate'), 0) AS DECIMAL(18, 4)) AS duplicate_amount,
    CAST(coalesce(sum(lines) FILTER (outcome = 'replayed'), 0) AS BIGINT) AS replayed_lines,
    CAST(coalesce(sum(amount) FILTER (outcome = 'replayed'), 0) AS DECIMAL(18, 4)) AS replayed_amount
FROM (
    SELECT load_id, outcome, 1 AS lines, amount FROM sales.transaction_lines SEMI JOIN query_table(loads) USING (load_id)
    UNION ALL SELECT load_id, outcome, 1, amount FROM landing.quarantine SEMI JOIN query_table(loads) USING (load_id)
    UNION ALL SELECT load_id, outcome, lines, amount FROM landing.expired SEMI JOIN query_table(loads) USING (load_id)
    UNION ALL SELECT load_id, NULL, NULL, NULL FROM query_table(loads)
)
GROUP BY load_id;
