-- grain: segmented customer
-- inputs: rfm; $net: monetary is net of returns and floored at 0, else gross
-- reason: the model's inputs as DOUBLE; money is exact until here
CREATE OR REPLACE TEMP TABLE features AS
SELECT customer_id, CAST(recency_days AS DOUBLE) AS recency_days, CAST(frequency AS DOUBLE) AS frequency,
    CAST(CASE WHEN $net THEN greatest(monetary, 0) ELSE gross END AS DOUBLE) AS monetary,
    CAST(average AS DOUBLE) AS average
FROM rfm;
