-- grain: reason; a line with several counts for each of them
SELECT reason, count(*) AS lines FROM (SELECT unnest(reasons) AS reason FROM still_faulty)
GROUP BY reason ORDER BY lines DESC, reason;
