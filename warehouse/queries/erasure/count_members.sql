-- grain: version x segment that loses customers; version that loses movements
-- inputs: gone, before anything is deleted
-- reason: the next night compares its segments with the sizes of the version before; a great erasure is no shrunken segment
INSERT INTO erasure.pending_movements
SELECT version_id, customer_id, from_segment_key, to_segment_key, net_365_days
FROM segments.movements WHERE customer_id IN (FROM gone);
CREATE OR REPLACE TEMP TABLE gone_members AS
SELECT version_id, segment_key, count(*) AS customers
FROM segments.assignments WHERE customer_id IN (FROM gone) GROUP BY version_id, segment_key
UNION ALL
SELECT v.version_id, m.segment_key, count(*)
FROM segments.versions AS v
JOIN segments.membership AS m ON m.valid_from <= v.as_of AND (m.valid_to IS NULL OR m.valid_to > v.as_of)
WHERE m.customer_id IN (FROM gone) AND v.status IN ('published', 'superseded', 'pruned')
    AND v.version_id NOT IN (SELECT version_id FROM segments.assignments)
GROUP BY v.version_id, m.segment_key;
UPDATE segments.sizes SET customers = greatest(0, sizes.customers - g.customers)
FROM gone_members AS g WHERE g.version_id = sizes.version_id AND g.segment_key = sizes.segment_key;
UPDATE segments.profiles SET customers = greatest(0, profiles.customers - g.customers)
FROM gone_members AS g WHERE g.version_id = profiles.version_id AND g.segment_key = profiles.segment_key;
UPDATE segments.profiles SET share = p.share FROM (
    SELECT version_id, segment_key, customers / nullif(sum(customers) OVER (PARTITION BY version_id), 0) AS share FROM segments.profiles
) AS p WHERE p.version_id = profiles.version_id AND p.segment_key = profiles.segment_key;
UPDATE segments.profiles SET top_countries = array_to_string(
    list_filter(string_split(top_countries, '; '), lambda country: NOT list_contains(told.texts, country)), '; '
)
FROM (SELECT list(text) AS texts FROM gone_texts) AS told
WHERE list_has_any(string_split(top_countries, '; '), told.texts);
UPDATE segments.versions SET customers = greatest(0, versions.customers - g.customers)
FROM (SELECT version_id, CAST(sum(customers) AS BIGINT) AS customers FROM gone_members GROUP BY version_id) AS g
WHERE g.version_id = versions.version_id;
UPDATE segments.versions SET moved = greatest(0, versions.moved - g.customers)
FROM (SELECT version_id, count(*) AS customers FROM segments.movements WHERE customer_id IN (FROM gone) GROUP BY version_id) AS g
WHERE g.version_id = versions.version_id;
