-- grain: segment of the version
SELECT p.* EXCLUDE (version_id), c.segment_name AS segment, c.colour, c.profile, array_to_string(c.actions, '; ') AS actions,
    c.prototype, c.prototype_distance, s.centroid_shift, c.centroid, v.as_of, v.version_id
FROM shared.profiles_come AS p
JOIN segments.versions AS v USING (version_id)
JOIN models.clusters AS c ON c.model_id = v.model_id AND c.segment_key = p.segment_key
LEFT JOIN segments.sizes AS s ON s.version_id = v.version_id AND s.segment_key = p.segment_key
ORDER BY p.revenue DESC, p.segment_key
