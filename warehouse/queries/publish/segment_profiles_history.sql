-- grain: published version x segment; words are those of its time, names and colours the latest
-- inputs: next_profiles, shared.shown_versions
SELECT p.* EXCLUDE (version_id), n.segment, n.colour, c.profile, array_to_string(c.actions, '; ') AS actions,
    c.prototype, c.prototype_distance, s.centroid_shift, c.centroid, v.as_of, v.version_id
FROM next_profiles AS p
JOIN shared.shown_versions AS v USING (version_id)
JOIN models.clusters AS c ON c.model_id = v.model_id AND c.segment_key = p.segment_key
JOIN segments.names AS n ON n.segment_key = p.segment_key
LEFT JOIN segments.sizes AS s ON s.version_id = v.version_id AND s.segment_key = p.segment_key
ORDER BY v.as_of, p.revenue DESC, p.segment_key
