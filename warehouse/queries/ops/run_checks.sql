-- grain: check of one run, failed ones first, the gravest of them before the others
SELECT success AS passed, severity, observed AS found, expected AS "limit", meaning, column_name AS "column", suite
FROM ops.checks WHERE run_id = $run_id
ORDER BY success, CASE severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, suite, expectation;
