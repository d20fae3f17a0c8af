-- grain: version x segment of its model; an empty segment has no customers
INSERT INTO segments.sizes BY NAME
SELECT v.version_id, c.segment_key, count(a.customer_id) AS customers
FROM segments.versions AS v
JOIN models.clusters AS c USING (model_id)
LEFT JOIN segments.assignments AS a ON a.version_id = v.version_id AND a.segment_key = c.segment_key
WHERE v.version_id = $version_id
GROUP BY v.version_id, c.segment_key;
