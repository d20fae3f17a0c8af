-- grain: segment x rfm_segment of the version
WITH remaining AS (
    SELECT segment_key, rfm_segment, count(*) AS customers FROM revised.customer_segments GROUP BY segment_key, rfm_segment
)
SELECT v.* REPLACE (
    r.customers AS customers, r.customers / sum(r.customers) OVER (PARTITION BY v.segment_key) AS share
)
FROM former.rfm_crosstab AS v
JOIN remaining AS r ON r.segment_key = v.segment_key AND r.rfm_segment IS NOT DISTINCT FROM v.rfm_segment
ORDER BY v.segment_key, r.customers DESC, v.rfm_segment
