-- grain: published version x pair of segments
SELECT v.* REPLACE (
    v.customers - coalesce(g.customers, 0) AS customers,
    CAST(v.net_365_days - coalesce(g.net_365_days, 0) AS DECIMAL(18, 4)) AS net_365_days
)
FROM former.segment_movements AS v
LEFT JOIN gone_movements AS g ON g.version_id = v.version_id
    AND g.from_segment_key IS NOT DISTINCT FROM v.from_segment_key AND g.to_segment_key IS NOT DISTINCT FROM v.to_segment_key
WHERE v.customers > coalesce(g.customers, 0)
ORDER BY v.as_of, v.customers - coalesce(g.customers, 0) DESC, v.from_segment_key, v.to_segment_key
