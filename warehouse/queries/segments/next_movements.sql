-- grain: version x customer that moved, as it will be when what was prepared is stored
-- inputs: shared.recomputed, shared.movements_come
CREATE OR REPLACE TEMP VIEW next_movements AS
SELECT version_id, customer_id, from_segment_key, to_segment_key, net_365_days FROM segments.movements
ANTI JOIN shared.recomputed USING (version_id)
UNION ALL SELECT version_id, customer_id, from_segment_key, to_segment_key, net_365_days FROM shared.movements_come;
