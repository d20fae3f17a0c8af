-- grain: source
-- inputs: $duplicates, $reading: what is known now; null leaves what was noted
CREATE OR REPLACE TEMP TABLE next_rules AS
SELECT $source AS source, coalesce($duplicates, max(duplicates)) AS duplicates,
    coalesce(CAST($reading AS JSON), max(reading)) AS reading
FROM landing.rules WHERE source = $source;
DELETE FROM landing.rules WHERE source = $source;
INSERT INTO landing.rules BY NAME FROM next_rules;
