-- grain: segment of the version
-- inputs: segments.assignments of the version; value_to_date
-- reason: a version's profile is kept when its snapshot goes, so that charts over time need no other file
CREATE OR REPLACE TABLE shared.profiles_come AS
WITH people AS (
    SELECT a.*, to_date.net AS value_to_date
    FROM segments.assignments AS a
    LEFT JOIN value_to_date AS to_date ON to_date.customer_id = a.customer_id
    WHERE a.version_id = $version_id
),
places AS (
    SELECT segment_key, string_agg(country, '; ' ORDER BY customers DESC, country) AS top_countries
    FROM (
        SELECT segment_key, country, count(*) AS customers FROM people WHERE country IS NOT NULL GROUP BY segment_key, country
        QUALIFY row_number() OVER (PARTITION BY segment_key ORDER BY count(*) DESC, country) <= 3
    ) GROUP BY segment_key
)
SELECT CAST($version_id AS INTEGER) AS version_id, sums.*, top_countries,
    customers / nullif(sum(customers) OVER (), 0) AS share,
    CAST(revenue AS DOUBLE) / nullif(CAST(sum(revenue) OVER () AS DOUBLE), 0) AS revenue_share
FROM (
    SELECT c.segment_key, count(p.customer_id) AS customers,
        avg(recency_days) AS mean_recency_days, avg(frequency) AS mean_frequency,
        avg(monetary) AS mean_monetary, avg(average) AS mean_average,
        median(recency_days) AS median_recency_days, median(frequency) AS median_frequency,
        CAST(median(monetary) AS DOUBLE) AS median_monetary, CAST(median(average) AS DOUBLE) AS median_average,
        CAST(coalesce(sum(monetary), 0) AS DECIMAL(18, 4)) AS revenue,
        CAST(coalesce(sum(frequency), 0) AS BIGINT) AS orders,
        CAST(sum(gross) AS DOUBLE) / nullif(sum(frequency), 0) AS average_order_value,
        avg(value_to_date) AS average_customer_value,
        avg(CASE WHEN frequency > 1 THEN 1 ELSE 0 END) FILTER (p.customer_id IS NOT NULL) AS repeat_rate,
        avg(CASE WHEN recency_days <= 30 THEN 1 ELSE 0 END) FILTER (p.customer_id IS NOT NULL) AS active_30_days,
        avg(CASE WHEN recency_days <= 90 THEN 1 ELSE 0 END) FILTER (p.customer_id IS NOT NULL) AS active_90_days,
        CAST(-sum(returned) AS DOUBLE) / nullif(CAST(sum(gross) AS DOUBLE), 0) AS return_rate
    FROM models.clusters AS c
    LEFT JOIN people AS p USING (segment_key)
    WHERE c.model_id = (SELECT model_id FROM segments.versions WHERE version_id = $version_id)
    GROUP BY c.segment_key
) AS sums
LEFT JOIN places USING (segment_key);
