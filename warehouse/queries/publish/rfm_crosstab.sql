-- grain: segment x scored segment of the version
SELECT a.segment_key, n.segment, a.rfm_segment, count(*) AS customers,
    count(*) / sum(count(*)) OVER (PARTITION BY a.segment_key) AS share
FROM segments.assignments AS a JOIN segments.names AS n USING (segment_key)
WHERE a.version_id = $version_id
GROUP BY a.segment_key, n.segment, a.rfm_segment
ORDER BY a.segment_key, customers DESC, a.rfm_segment
