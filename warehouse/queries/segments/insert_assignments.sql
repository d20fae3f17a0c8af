-- grain: version x segmented customer
-- inputs: assigned, scored, rfm (of the same date), the model's clusters
-- reason: the snapshot a version is made of; clusters become segment keys here and nowhere else
CREATE OR REPLACE TEMP TABLE keys AS SELECT cluster, segment_key FROM models.clusters WHERE model_id = $model_id;
INSERT INTO segments.assignments BY NAME
SELECT $version_id AS version_id, customer_id, nearest.segment_key AS segment_key, distance,
    second.segment_key AS second_segment_key, second_distance, margin, borderline, reasons,
    moves_on, later.segment_key AS moves_on_segment_key,
    r_score, f_score, m_score, rfm_score, rfm_name AS rfm_segment, recency_days, frequency, monetary, average, gross,
    returned, first_purchase_day, last_purchase_day, tenure_days, days_between_orders, return_rate, items_per_order,
    active_months, country
FROM assigned
JOIN rfm USING (customer_id)
JOIN scored USING (customer_id)
JOIN keys AS nearest ON nearest.cluster = assigned.cluster
LEFT JOIN keys AS second ON second.cluster = assigned.second_cluster
LEFT JOIN keys AS later ON later.cluster = assigned.moves_on_cluster
ORDER BY customer_id;
