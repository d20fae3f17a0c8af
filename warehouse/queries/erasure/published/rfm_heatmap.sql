-- grain: recency score x frequency score, all 25
WITH remaining AS (
    SELECT r_score, f_score, count(*) AS customers, median(recency_days) AS median_recency_days,
        median(frequency) AS median_frequency, CAST(median(monetary) AS DOUBLE) AS median_monetary,
        CAST(median(average) AS DOUBLE) AS median_average, CAST(sum(monetary) AS DECIMAL(18, 4)) AS revenue
    FROM revised.customer_segments GROUP BY r_score, f_score
)
SELECT v.* REPLACE (
    coalesce(r.customers, 0) AS customers, coalesce(r.customers, 0) / nullif(sum(r.customers) OVER (), 0) AS share,
    r.median_recency_days AS median_recency_days, r.median_frequency AS median_frequency,
    r.median_monetary AS median_monetary, r.median_average AS median_average, coalesce(r.revenue, 0) AS revenue
)
FROM former.rfm_heatmap AS v LEFT JOIN remaining AS r ON r.r_score = v.r_score AND r.f_score = v.f_score
ORDER BY v.r_score, v.f_score
