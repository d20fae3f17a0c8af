-- grain: load that lost lines, or of which a line is no duplicate any more
-- inputs: gone_lines, gone_quarantine, verdicts
-- reason: what went stays counted, so that the outcomes of every load still add up to what was delivered
CREATE OR REPLACE TEMP TABLE gone_counts AS
SELECT load_id, count(*) AS lines, CAST(coalesce(sum(amount), 0) AS DECIMAL(18, 4)) AS amount
FROM (SELECT load_id, amount FROM gone_lines UNION ALL SELECT load_id, amount FROM gone_quarantine)
GROUP BY load_id;
INSERT INTO gone_counts
SELECT DISTINCT load_id, 0, 0 FROM verdicts ANTI JOIN gone_counts USING (load_id);
UPDATE landing.loads SET
    erased_lines = loads.erased_lines + gone_counts.lines, erased_amount = loads.erased_amount + gone_counts.amount,
    purchase_lines = c.purchase_lines, purchase_amount = c.purchase_amount,
    return_lines = c.return_lines, return_amount = c.return_amount,
    unattributed_lines = c.unattributed_lines, unattributed_amount = c.unattributed_amount,
    quarantined_lines = c.quarantined_lines, quarantined_amount = c.quarantined_amount,
    duplicate_lines = c.duplicate_lines, duplicate_amount = c.duplicate_amount,
    replayed_lines = c.replayed_lines, replayed_amount = c.replayed_amount
FROM gone_counts JOIN landing.outcomes_of('gone_counts') AS c USING (load_id)
WHERE gone_counts.load_id = loads.load_id;
