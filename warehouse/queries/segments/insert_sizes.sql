-- grain: version x segment of its model; an empty segment has no customers
-- inputs: $shifts, a list of (segment_key, shift): how far its centroid moved, of segments that lived before
INSERT INTO segments.sizes BY NAME
SELECT v.version_id, c.segment_key, count(a.customer_id) AS customers, any_value(moved.shift) AS centroid_shift
FROM segments.versions AS v
JOIN models.clusters AS c USING (model_id)
LEFT JOIN segments.assignments AS a ON a.version_id = v.version_id AND a.segment_key = c.segment_key
LEFT JOIN (
    SELECT one.segment_key, one.shift
    FROM (SELECT unnest(CAST($shifts AS STRUCT(segment_key INTEGER, shift DOUBLE)[])) AS one)
) AS moved ON moved.segment_key = c.segment_key
WHERE v.version_id = $version_id
GROUP BY v.version_id, c.segment_key;
