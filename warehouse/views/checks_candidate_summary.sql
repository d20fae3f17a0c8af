-- grain: one row: the candidate version; no row: there is none
-- inputs: segments.versions, segments.assignments, features.customer_activity, features.state
-- reason: counts of the assignments, of the version's own row and of the features must agree; the features are only
-- comparable while they are valid for the version's date (a backfilled date has its own, which are not kept).
CREATE SCHEMA IF NOT EXISTS checks;

CREATE OR REPLACE VIEW checks.candidate_summary AS
WITH candidate AS (
    SELECT * FROM segments.versions WHERE status = 'candidate' ORDER BY version_id DESC LIMIT 1
)
SELECT
    version_id,
    as_of,
    customers,
    (SELECT count(*) FROM segments.assignments WHERE version_id = (SELECT version_id FROM candidate)) AS assigned_customers,
    CASE
        WHEN as_of = (SELECT max(as_of) FROM features.state)
            THEN (SELECT count(*) FROM features.customer_activity WHERE frequency > 0)
    END AS active_customers,             -- null: the features are valid for another date
    CASE
        WHEN as_of = (SELECT max(as_of) FROM features.state WHERE window_days IS NULL)
            THEN (SELECT count(*) FROM features.customer_activity WHERE frequency = 0)
    END AS inactive_customers,
    not_segmented,
    silhouette,
    inertia
FROM candidate;
