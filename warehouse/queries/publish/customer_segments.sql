-- grain: segmented customer of the version
-- inputs: shared.bought; next_membership
-- reason: the stays of that date are picked before the join, so that its cost does not grow with the history
WITH stays AS (
    SELECT customer_id, valid_from FROM next_membership
    WHERE valid_from <= $as_of AND (valid_to IS NULL OR valid_to > $as_of)
)
SELECT a.customer_id, a.segment_key, own.segment_name AS segment, stays.valid_from AS segment_since,
    a.recency_days, a.frequency, a.monetary, a.average, a.gross, a.returned,
    a.first_purchase_day, a.last_purchase_day, a.country, a.distance,
    second.segment_name AS second_segment, a.second_distance, a.margin, a.borderline, a.reasons,
    a.moves_on, later.segment_name AS moves_on_segment, a.r_score, a.f_score, a.m_score, a.rfm_score, a.rfm_segment,
    a.tenure_days, a.days_between_orders, a.return_rate, a.items_per_order, a.active_months,
    coalesce(bought.products, 0) AS distinct_products,
    v.as_of, v.version_id, v.created_at
FROM segments.assignments AS a
JOIN segments.versions AS v USING (version_id)
JOIN models.clusters AS own ON own.model_id = v.model_id AND own.segment_key = a.segment_key
LEFT JOIN models.clusters AS second ON second.model_id = v.model_id AND second.segment_key = a.second_segment_key
LEFT JOIN models.clusters AS later ON later.model_id = v.model_id AND later.segment_key = a.moves_on_segment_key
LEFT JOIN shared.bought ON bought.customer_id = a.customer_id
JOIN stays ON stays.customer_id = a.customer_id
WHERE a.version_id = $version_id
ORDER BY a.customer_id
