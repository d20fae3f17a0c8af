-- grain: version x grouping; segments are named as they are now
SELECT q.version_id, v.as_of, q.grouping_name AS grouping, q.horizon_days, q.customers, q.groups, q.spend_explained,
    q.active_explained, coalesce(n.segment, q.top_group) AS top_group, q.top_customer_share, q.top_spend_share
FROM segments.quality AS q
JOIN segments.versions AS v USING (version_id)
LEFT JOIN segments.names AS n ON q.grouping_name = 'segments' AND CAST(n.segment_key AS VARCHAR) = q.top_group
ORDER BY q.version_id, q.grouping_name
