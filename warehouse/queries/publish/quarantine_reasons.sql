-- grain: accepted delivery x reason; a line with two reasons counts for both
SELECT load_id, reason, count(*) AS lines, CAST(coalesce(sum(amount), 0) AS DECIMAL(18, 4)) AS amount
FROM (SELECT load_id, amount, unnest(reasons) AS reason FROM landing.quarantine WHERE outcome = 'quarantined')
GROUP BY load_id, reason
ORDER BY load_id, lines DESC, reason
