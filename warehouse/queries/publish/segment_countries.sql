-- grain: segment x country of the version
SELECT a.segment_key, n.segment, a.country, count(*) AS customers,
    count(*) / sum(count(*)) OVER (PARTITION BY a.segment_key) AS share
FROM segments.assignments AS a JOIN segments.names AS n USING (segment_key)
WHERE a.version_id = $version_id
GROUP BY a.segment_key, n.segment, a.country
ORDER BY a.segment_key, customers DESC, a.country
