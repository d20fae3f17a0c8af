-- grain: recency score x frequency score, all 25; medians, because a few very large customers pull means up
SELECT r_score, f_score, count(a.customer_id) AS customers,
    count(a.customer_id) / nullif(sum(count(a.customer_id)) OVER (), 0) AS share,
    median(recency_days) AS median_recency_days, median(frequency) AS median_frequency,
    CAST(median(monetary) AS DOUBLE) AS median_monetary, CAST(median(average) AS DOUBLE) AS median_average,
    CAST(coalesce(sum(monetary), 0) AS DECIMAL(18, 4)) AS revenue, $as_of AS as_of
FROM (
    SELECT CAST(r AS TINYINT) AS r_score, CAST(f AS TINYINT) AS f_score FROM range(1, 6) AS r(r), range(1, 6) AS f(f)
)
LEFT JOIN (FROM segments.assignments WHERE version_id = $version_id) AS a USING (r_score, f_score)
GROUP BY r_score, f_score
ORDER BY r_score, f_score
