-- grain: segmented customer of the version
SELECT a.customer_id, a.segment_key, own.segment_name AS segment, m.valid_from AS segment_since,
    a.recency_days, a.frequency, a.monetary, a.average, a.gross, a.returned,
    a.first_purchase_day, a.last_purchase_day, a.country, a.distance,
    second.segment_name AS second_segment, a.second_distance, v.as_of, v.version_id, v.created_at
FROM segments.assignments AS a
JOIN segments.versions AS v USING (version_id)
JOIN models.clusters AS own ON own.model_id = v.model_id AND own.segment_key = a.segment_key
LEFT JOIN models.clusters AS second ON second.model_id = v.model_id AND second.segment_key = a.second_segment_key
JOIN next_membership AS m
    ON m.customer_id = a.customer_id AND m.valid_from <= v.as_of AND (m.valid_to IS NULL OR m.valid_to > v.as_of)
WHERE a.version_id = $version_id
ORDER BY a.customer_id
