-- grain: month that is over before as_of and not kept
-- inputs: months
SELECT month FROM months ANTI JOIN sales.month_cohorts USING (month)
WHERE month < date_trunc('month', CAST($as_of AS DATE)) ORDER BY month;
