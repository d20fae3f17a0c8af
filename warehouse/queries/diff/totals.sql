-- grain: one row: both versions as wholes
-- inputs: former and later, the attached files of two versions
SELECT count(f.customer_id) AS customers_before, count(l.customer_id) AS customers_after,
    count(*) FILTER (f.customer_id IS NULL) AS entered, count(*) FILTER (l.customer_id IS NULL) AS "left",
    count(*) FILTER (f.segment_key <> l.segment_key) AS moved,
    count(*) FILTER (f.segment_key = l.segment_key) AS stayed,
    count(*) FILTER ((f.frequency, f.monetary) IS DISTINCT FROM (l.frequency, l.monetary)) AS changed_figures,
    CAST(coalesce(sum(f.monetary), 0) AS DECIMAL(18, 4)) AS revenue_before,
    CAST(coalesce(sum(l.monetary), 0) AS DECIMAL(18, 4)) AS revenue_after
FROM former.customer_segments AS f FULL JOIN later.customer_segments AS l USING (customer_id)
