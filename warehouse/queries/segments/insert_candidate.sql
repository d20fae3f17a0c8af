-- grain: version
-- inputs: value_to_date: a row for every known customer
-- reason: counts are taken from the rows themselves; not_segmented are known customers without a purchase that counts
INSERT INTO segments.versions BY NAME
SELECT $version_id AS version_id, $as_of AS as_of, 'candidate' AS status, $model_id AS model_id, $trigger AS trigger,
    $created_at AS created_at, (SELECT max_by(version_id, as_of) FROM segments.history WHERE as_of < $as_of) AS previous_version_id,
    ledger_revision,
    $params_fingerprint AS params_fingerprint, segmented AS customers, known - segmented AS not_segmented,
    $silhouette AS silhouette, $silhouette_sample AS silhouette_sample, $inertia AS inertia,
    $meaning_shift AS meaning_shift, $drift AS drift, $feature_counts AS feature_counts, $rfm_thresholds AS rfm_thresholds,
    smallest / nullif(segmented, 0) AS smallest_share, $model_mode AS model_mode, $chain_from AS chain_from,
    $restates_version_id AS restates_version_id
FROM features.state
CROSS JOIN (
    SELECT CAST(coalesce(sum(size), 0) AS BIGINT) AS segmented, min(size) AS smallest
    FROM (SELECT count(*) AS size FROM segments.assignments WHERE version_id = $version_id GROUP BY segment_key)
)
CROSS JOIN (SELECT count(*) AS known FROM value_to_date);
