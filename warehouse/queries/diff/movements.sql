-- grain: pair of segments customers are in; entering and leaving have a null end
-- inputs: former and later, the attached files of two versions
SELECT f.segment_key AS from_segment_key, f.segment AS from_segment, l.segment_key AS to_segment_key, l.segment AS to_segment,
    count(*) AS customers, CAST(sum(coalesce(f.monetary, 0)) AS DECIMAL(18, 4)) AS revenue_before,
    CAST(sum(coalesce(l.monetary, 0)) AS DECIMAL(18, 4)) AS revenue_after
FROM former.customer_segments AS f FULL JOIN later.customer_segments AS l USING (customer_id)
WHERE f.segment_key IS DISTINCT FROM l.segment_key
GROUP BY ALL
ORDER BY customers DESC, from_segment_key, to_segment_key
