-- grain: line; load: outcomes and counts as they are stored, and as lines, quarantine and what expired say
-- reason: the ledger is held to the lines, and to what was delivered; what went stays counted
CREATE OR REPLACE TEMP TABLE stored_outcomes AS
SELECT load_id, line_number, outcome FROM sales.transaction_lines
UNION ALL SELECT load_id, line_number, outcome FROM landing.quarantine;
CREATE OR REPLACE TEMP TABLE stored_counts AS
SELECT load_id, COLUMNS('^(purchase|return|unattributed|quarantined|duplicate|replayed)_(lines|amount)$')
FROM landing.loads WHERE status = 'accepted' AND delivered_lines > 0;
CREATE OR REPLACE TEMP TABLE counted_loads AS
SELECT load_id FROM stored_counts UNION SELECT load_id FROM stored_outcomes;
CREATE OR REPLACE TEMP TABLE recounted_loads AS FROM landing.outcomes_of('counted_loads');
CREATE OR REPLACE TEMP TABLE delivered AS
SELECT load_id, delivered_lines - erased_lines - closed_lines AS lines,
    CAST(delivered_amount - erased_amount - closed_amount AS DECIMAL(18, 4)) AS amount
FROM landing.loads WHERE status = 'accepted' AND delivered_lines > 0;
CREATE OR REPLACE TEMP TABLE accounted AS
SELECT load_id, purchase_lines + return_lines + unattributed_lines + quarantined_lines + duplicate_lines + replayed_lines AS lines,
    CAST(purchase_amount + return_amount + unattributed_amount + quarantined_amount + duplicate_amount + replayed_amount AS DECIMAL(18, 4)) AS amount
FROM recounted_loads;
