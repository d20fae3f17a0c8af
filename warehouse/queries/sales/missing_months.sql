-- grain: month before that of the last day before as_of, which is not kept
-- inputs: shared.months
SELECT month FROM shared.months ANTI JOIN sales.month_cohorts USING (month)
WHERE month < date_trunc('month', CAST($as_of AS DATE) - 1) ORDER BY month;
