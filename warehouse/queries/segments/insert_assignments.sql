-- grain: version x segmented customer
-- inputs: assigned, rfm (of the same date), the model's clusters
-- reason: the snapshot a version is made of; clusters become segment keys here and nowhere else
INSERT INTO segments.assignments BY NAME
SELECT $version_id AS version_id, customer_id, nearest.segment_key AS segment_key, distance,
    second.segment_key AS second_segment_key, second_distance,
    recency_days, frequency, monetary, average, gross, returned, first_purchase_day, last_purchase_day, country
FROM assigned
JOIN rfm USING (customer_id)
JOIN models.clusters AS nearest ON nearest.model_id = $model_id AND nearest.cluster = assigned.cluster
LEFT JOIN models.clusters AS second ON second.model_id = $model_id AND second.cluster = assigned.second_cluster
ORDER BY customer_id;
