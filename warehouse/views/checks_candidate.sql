-- grain: one customer of the candidate version
-- inputs: segments.assignments, segments.versions
-- reason: the suite sees the version that is about to be published, with the date to compare its days with.
CREATE SCHEMA IF NOT EXISTS checks;

CREATE OR REPLACE VIEW checks.candidate AS
WITH candidate AS (
    SELECT version_id, as_of FROM segments.versions WHERE status = 'candidate' ORDER BY version_id DESC LIMIT 1
)
SELECT
    customer_id,
    segment_key,
    distance,
    second_segment_key,
    second_distance,
    recency_days,
    frequency,
    monetary,
    average,
    gross,
    returned,
    first_purchase_day,
    last_purchase_day,
    country,
    (SELECT as_of FROM candidate) AS as_of
FROM segments.assignments
WHERE version_id = (SELECT version_id FROM candidate);
