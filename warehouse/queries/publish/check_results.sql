-- grain: check: its latest result, and every one that failed
SELECT c.checked_at, r.command, r.as_of, c.suite, c.expectation, c.column_name, c.severity, c.success, c.observed, c.expected,
    c.meaning
FROM ops.checks AS c JOIN ops.runs AS r USING (run_id)
QUALIFY NOT c.success OR row_number() OVER (
    PARTITION BY c.suite, c.expectation, c.column_name, c.meaning ORDER BY c.checked_at DESC
) = 1
ORDER BY c.checked_at, c.suite, c.expectation, c.column_name, c.meaning
