-- grain: model x event
SELECT l.model_id, m.as_of, l.event, l.segment_key, n.segment, l.related_segment_key, r.segment AS related_segment, l.jaccard
FROM models.lineage AS l
JOIN models.models AS m USING (model_id)
LEFT JOIN segments.names AS n ON n.segment_key = l.segment_key
LEFT JOIN segments.names AS r ON r.segment_key = l.related_segment_key
ORDER BY l.model_id, l.event, l.segment_key
