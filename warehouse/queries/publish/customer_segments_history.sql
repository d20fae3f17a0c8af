-- grain: customer x stay in a segment
SELECT customer_id, segment_key, segment, valid_from, valid_to
FROM next_membership JOIN segments.names USING (segment_key)
ORDER BY customer_id, valid_from
