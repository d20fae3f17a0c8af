-- grain: segment of either version
SELECT coalesce(n.segment, CAST(segment_key AS VARCHAR)) AS segment,
    count(*) FILTER (NOT is_after) AS before, count(*) FILTER (is_after) AS after
FROM (
    SELECT segment_key, false AS is_after FROM members_before
    UNION ALL SELECT segment_key, true FROM members_after
)
LEFT JOIN segments.names AS n USING (segment_key)
GROUP BY segment_key, n.segment
ORDER BY segment_key;
