-- grain: version
SELECT v.* REPLACE (
    v.customers - coalesce((
        SELECT count(*) FROM gone_stays AS s WHERE s.valid_from <= v.as_of AND (s.valid_to IS NULL OR s.valid_to > v.as_of)
    ), 0) AS customers,
    v.moved - coalesce((SELECT sum(m.customers) FROM gone_movements AS m WHERE m.version_id = v.version_id), 0) AS moved
)
FROM former.segment_versions AS v
ORDER BY v.version_id
