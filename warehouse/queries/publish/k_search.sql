-- grain: model x candidate k
SELECT model_id, k, inertia, silhouette, silhouette_sample, calinski_harabasz, davies_bouldin, stability, smallest_share,
    is_elbow, chosen
FROM models.k_search ORDER BY model_id, k
