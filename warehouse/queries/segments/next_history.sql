-- grain: version x customer that moved; version x segment: as they will be when what was prepared is stored
-- inputs: shared.recomputed, shared.movements_come, shared.profiles_come
-- reason: views are of one connection, and each of the two that fill a file asks for some
CREATE OR REPLACE TEMP VIEW next_movements AS
SELECT version_id, customer_id, from_segment_key, to_segment_key, net_365_days FROM segments.movements
ANTI JOIN shared.recomputed USING (version_id)
UNION ALL SELECT version_id, customer_id, from_segment_key, to_segment_key, net_365_days FROM shared.movements_come;
CREATE OR REPLACE TEMP VIEW next_profiles AS
SELECT * FROM segments.profiles ANTI JOIN shared.profiles_come USING (version_id)
UNION ALL BY NAME FROM shared.profiles_come;
