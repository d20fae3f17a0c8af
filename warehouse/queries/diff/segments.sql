-- grain: segment of either version
-- inputs: former and later, the attached files of two versions
SELECT segment_key, coalesce(l.segment, f.segment) AS segment,
    coalesce(f.customers, 0) AS customers_before, coalesce(l.customers, 0) AS customers_after,
    coalesce(f.share, 0) AS share_before, coalesce(l.share, 0) AS share_after,
    coalesce(f.revenue, 0) AS revenue_before, coalesce(l.revenue, 0) AS revenue_after
FROM former.segment_profiles AS f FULL JOIN later.segment_profiles AS l USING (segment_key)
ORDER BY coalesce(l.revenue, f.revenue) DESC, segment_key
