-- grain: segment x country of the version
WITH remaining AS (
    SELECT segment_key, country, count(*) AS customers FROM revised.customer_segments GROUP BY segment_key, country
)
SELECT v.* REPLACE (
    r.customers AS customers, r.customers / sum(r.customers) OVER (PARTITION BY v.segment_key) AS share
)
FROM former.segment_countries AS v
JOIN remaining AS r ON r.segment_key = v.segment_key AND r.country IS NOT DISTINCT FROM v.country
ORDER BY v.segment_key, r.customers DESC, v.country
