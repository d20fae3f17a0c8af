-- grain: content that several lines have
-- reason: the rule by which equal lines are judged changed, so all of them are judged again
INSERT INTO touched_keys
SELECT content_key FROM (
    SELECT content_key FROM sales.transaction_lines UNION ALL SELECT content_key FROM landing.quarantine
)
GROUP BY content_key HAVING count(*) > 1;
