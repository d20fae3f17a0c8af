-- grain: version x segmented customer
-- inputs: snapshot; $dates and $version_ids, the numbers of the versions of these dates; the model's clusters
-- reason: the snapshot a version is made of; clusters, numbered from 0, become segment keys here and nowhere else
INSERT INTO segments.assignments BY NAME
SELECT version_id, customer_id, keys[cluster + 1] AS segment_key, distance,
    keys[second_cluster + 1] AS second_segment_key, second_distance, margin, borderline, reasons,
    moves_on, keys[moves_on_cluster + 1] AS moves_on_segment_key,
    r_score, f_score, m_score, rfm_score, rfm_name AS rfm_segment, recency_days, frequency, monetary, average, gross,
    returned, first_purchase_day, last_purchase_day, tenure_days, days_between_orders, return_rate, items_per_order,
    active_months, country
FROM snapshot
JOIN (SELECT unnest(CAST($dates AS DATE[])) AS as_of, unnest(CAST($version_ids AS INTEGER[])) AS version_id) USING (as_of)
CROSS JOIN (SELECT list(segment_key ORDER BY cluster) AS keys FROM models.clusters WHERE model_id = $model_id)
ORDER BY version_id, customer_id;
