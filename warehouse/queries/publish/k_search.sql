-- grain: model x candidate k
SELECT model_id, k, inertia, silhouette, silhouette_sample, smallest_share, chosen FROM models.k_search ORDER BY model_id, k
