-- grain: one segment of the candidate version: of its model, or assigned without being of its model
-- inputs: segments.assignments, segments.versions, models.clusters
-- reason: an empty segment has no customer to show it, and a key the model does not have no name.
CREATE SCHEMA IF NOT EXISTS checks;

CREATE OR REPLACE VIEW checks.candidate_segments AS
WITH candidate AS (
    SELECT version_id, model_id FROM segments.versions WHERE status = 'candidate' ORDER BY version_id DESC LIMIT 1
),
sizes AS (
    SELECT segment_key, count(*) AS customers
    FROM segments.assignments
    WHERE version_id = (SELECT version_id FROM candidate) AND segment_key IS NOT NULL
    GROUP BY segment_key
),
clusters AS (
    SELECT segment_key, segment_name FROM models.clusters WHERE model_id = (SELECT model_id FROM candidate)
)
SELECT
    coalesce(clusters.segment_key, sizes.segment_key) AS segment_key,
    clusters.segment_name,               -- null: not a segment of the model
    coalesce(sizes.customers, 0) AS customers,
    coalesce(sizes.customers / sum(sizes.customers) OVER (), 0) AS share
FROM clusters
FULL JOIN sizes ON sizes.segment_key = clusters.segment_key;
