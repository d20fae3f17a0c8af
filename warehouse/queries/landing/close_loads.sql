-- grain: load whose lines came, went or changed their verdict
-- reason: the ledger's counts follow the lines; statuses change last
CREATE OR REPLACE TEMP TABLE recounted AS
SELECT load_id FROM landing.loads WHERE status = 'staged'
UNION SELECT replays_load_id FROM landing.loads WHERE status = 'staged' AND replays_load_id IS NOT NULL
UNION SELECT load_id FROM verdicts;
UPDATE landing.loads SET
    purchase_lines = c.purchase_lines, purchase_amount = c.purchase_amount,
    return_lines = c.return_lines, return_amount = c.return_amount,
    unattributed_lines = c.unattributed_lines, unattributed_amount = c.unattributed_amount,
    quarantined_lines = c.quarantined_lines, quarantined_amount = c.quarantined_amount,
    duplicate_lines = c.duplicate_lines, duplicate_amount = c.duplicate_amount,
    replayed_lines = c.replayed_lines, replayed_amount = c.replayed_amount
FROM landing.outcomes_of('recounted') AS c
WHERE loads.load_id = c.load_id;
UPDATE landing.loads SET status = 'accepted', accepted_at = $now WHERE status = 'staged';
