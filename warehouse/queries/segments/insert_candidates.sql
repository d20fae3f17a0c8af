-- grain: version
-- inputs: $candidates, with the number of known customers; segments.assignments of them
-- reason: counts are taken from the rows themselves; not_segmented are known customers without a purchase that counts. The
--   version before one is a published one, or one of these that is published before it.
INSERT INTO segments.versions BY NAME
WITH candidates AS (
    SELECT unnest(CAST($candidates AS STRUCT(
        version_id INTEGER, as_of DATE, model_id INTEGER, trigger VARCHAR, created_at TIMESTAMP, known BIGINT,
        params_fingerprint VARCHAR, silhouette DOUBLE, silhouette_sample BIGINT, inertia DOUBLE, meaning_shift DOUBLE,
        drift DOUBLE, feature_counts JSON, rfm_thresholds JSON, model_mode VARCHAR, chain_from DATE, restates_version_id INTEGER
    )[]), recursive := true)
),
before AS (
    SELECT c.version_id, max_by(b.version_id, (b.as_of, b.version_id)) AS previous_version_id
    FROM candidates AS c
    JOIN (SELECT version_id, as_of FROM segments.history UNION ALL SELECT version_id, as_of FROM candidates) AS b ON b.as_of < c.as_of
    GROUP BY c.version_id
),
sizes AS (
    SELECT version_id, CAST(sum(size) AS BIGINT) AS segmented, min(size) AS smallest
    FROM (
        SELECT version_id, count(*) AS size FROM segments.assignments SEMI JOIN candidates USING (version_id)
        GROUP BY version_id, segment_key
    ) GROUP BY version_id
)
SELECT c.* EXCLUDE (known), 'candidate' AS status, previous_version_id, ledger_revision,
    coalesce(segmented, 0) AS customers, known - coalesce(segmented, 0) AS not_segmented, smallest / segmented AS smallest_share
FROM candidates AS c LEFT JOIN before USING (version_id) LEFT JOIN sizes USING (version_id) CROSS JOIN features.state;
