-- grain: segment of the version
SELECT *, customers / sum(customers) OVER () AS share,
    CAST(revenue AS DOUBLE) / nullif(CAST(sum(revenue) OVER () AS DOUBLE), 0) AS revenue_share
FROM (
    SELECT c.segment_key, c.segment_name AS segment, c.colour, count(a.customer_id) AS customers,
        avg(recency_days) AS mean_recency_days, avg(frequency) AS mean_frequency,
        avg(monetary) AS mean_monetary, avg(average) AS mean_average,
        median(recency_days) AS median_recency_days, median(frequency) AS median_frequency,
        CAST(median(monetary) AS DOUBLE) AS median_monetary, CAST(median(average) AS DOUBLE) AS median_average,
        CAST(coalesce(sum(monetary), 0) AS DECIMAL(18, 4)) AS revenue,
        c.profile, array_to_string(c.actions, '; ') AS actions, c.prototype, c.prototype_distance, s.centroid_shift,
        c.centroid, v.as_of, v.version_id
    FROM segments.versions AS v
    JOIN models.clusters AS c USING (model_id)
    LEFT JOIN segments.sizes AS s ON s.version_id = v.version_id AND s.segment_key = c.segment_key
    LEFT JOIN segments.assignments AS a ON a.version_id = v.version_id AND a.segment_key = c.segment_key
    WHERE v.version_id = $version_id
    GROUP BY c.segment_key, c.segment_name, c.colour, c.profile, c.actions, c.prototype, c.prototype_distance,
        s.centroid_shift, c.centroid, v.as_of, v.version_id
)
ORDER BY revenue DESC, segment_key
