-- grain: reason; a line with several counts for each of them
-- inputs: asked_lines
SELECT reason, count(*) AS lines, CAST(sum(amount) AS DECIMAL(18, 4)) AS amount, count(DISTINCT load_id) AS loads
FROM (SELECT unnest(reasons) AS reason, amount, load_id FROM asked_lines)
GROUP BY reason ORDER BY lines DESC, reason;
