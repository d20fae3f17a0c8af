-- grain: version x segment of its model; an empty segment has no customers
-- inputs: $version_ids; $shifts, a list of (version_id, segment_key, shift): how far its centroid moved, of segments that
--   lived before
INSERT INTO segments.sizes BY NAME
SELECT v.version_id, c.segment_key, count(a.customer_id) AS customers, any_value(moved.shift) AS centroid_shift
FROM segments.versions AS v
JOIN models.clusters AS c USING (model_id)
LEFT JOIN segments.assignments AS a ON a.version_id = v.version_id AND a.segment_key = c.segment_key
LEFT JOIN (
    SELECT unnest(CAST($shifts AS STRUCT(version_id INTEGER, segment_key INTEGER, shift DOUBLE)[]), recursive := true)
) AS moved ON moved.version_id = v.version_id AND moved.segment_key = c.segment_key
WHERE list_contains($version_ids, v.version_id)
GROUP BY v.version_id, c.segment_key;
