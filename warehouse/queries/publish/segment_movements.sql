-- grain: published version x pair of segments
-- inputs: next_movements, shared.shown_versions
SELECT v.version_id, v.as_of, before.as_of AS previous_as_of, from_segment_key, f.segment AS from_segment,
    to_segment_key, t.segment AS to_segment, count(*) AS customers, CAST(sum(net_365_days) AS DECIMAL(18, 4)) AS net_365_days
FROM next_movements AS m
JOIN shared.shown_versions AS v USING (version_id)
LEFT JOIN segments.versions AS before ON before.version_id = v.previous_version_id
LEFT JOIN segments.names AS f ON f.segment_key = from_segment_key
LEFT JOIN segments.names AS t ON t.segment_key = to_segment_key
GROUP BY v.version_id, v.as_of, before.as_of, from_segment_key, f.segment, to_segment_key, t.segment
ORDER BY v.as_of, customers DESC, from_segment_key, to_segment_key
