-- grain: country, cohort of the month
-- inputs: sales.invoices of the month; cohorts, of any date after it
CREATE OR REPLACE TEMP TABLE booked AS
FROM sales.booked_of('sales.invoices', CAST($month AS DATE), CAST(CAST($month AS DATE) + INTERVAL 1 MONTH AS DATE));
INSERT INTO sales.month_countries BY NAME FROM sales.month_countries_of('booked');
INSERT INTO sales.month_cohorts BY NAME FROM sales.month_cohorts_of('booked', 'cohorts');
