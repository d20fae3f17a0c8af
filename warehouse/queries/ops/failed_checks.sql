-- grain: check of one run that did not succeed
SELECT suite, expectation, column_name, severity, observed, expected, meaning
FROM ops.checks WHERE run_id = $run_id AND NOT success
ORDER BY CASE severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, suite, expectation;
