-- grain: published version x segment
-- reason: the version's own rows are its profiles; of another version the stays tell how many left, its means are as measured
WITH lost AS (
    SELECT v.version_id, s.segment_key, count(*) AS customers
    FROM gone_stays AS s
    JOIN former.segment_versions AS v ON s.valid_from <= v.as_of AND (s.valid_to IS NULL OR s.valid_to > v.as_of)
    GROUP BY v.version_id, s.segment_key
),
counted AS (
    SELECT h.* REPLACE (h.customers - coalesce(lost.customers, 0) AS customers)
    FROM former.segment_profiles_history AS h
    LEFT JOIN lost ON lost.version_id = h.version_id AND lost.segment_key = h.segment_key
)
SELECT * FROM (
    SELECT counted.* REPLACE (customers / nullif(sum(customers) OVER (PARTITION BY version_id), 0) AS share, array_to_string(
        list_filter(string_split(top_countries, '; '), lambda country: NOT list_contains(told.texts, country)), '; '
    ) AS top_countries)
    FROM counted ANTI JOIN revised.segment_profiles AS own USING (version_id)
    CROSS JOIN (SELECT coalesce(list(text), []) AS texts FROM gone_texts) AS told
    UNION ALL BY NAME
    SELECT own.* REPLACE (h.segment AS segment, h.colour AS colour)
    FROM revised.segment_profiles AS own JOIN former.segment_profiles_history AS h USING (version_id, segment_key)
)
ORDER BY as_of, revenue DESC, segment_key
