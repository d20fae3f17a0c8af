-- grain: segment ever born
-- inputs: models.clusters
-- reason: history names segments as their latest model does
CREATE OR REPLACE VIEW segments.names AS
SELECT segment_key, arg_max(segment_name, model_id) AS segment, arg_max(colour, model_id) AS colour
FROM models.clusters GROUP BY segment_key;
