-- grain: version x segment, as it will be when what was prepared is stored
-- inputs: shared.profiles_come
CREATE OR REPLACE TEMP VIEW next_profiles AS
SELECT * FROM segments.profiles ANTI JOIN shared.profiles_come USING (version_id)
UNION ALL BY NAME FROM shared.profiles_come;
