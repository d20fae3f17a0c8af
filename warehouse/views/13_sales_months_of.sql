-- grain: customer x month x country; month x country; month x cohort: of the days from from_day until before to_day
-- inputs: the name of a relation shaped like sales.invoices; of what booked_of made; of customer_id and cohort
-- reason: one definition for months that are kept, for the one that is not over, and for the rebuild that verifies them. An
--   invoice booked on two days of a month is one order. What is returned before the first purchase has no cohort yet.
CREATE OR REPLACE MACRO sales.booked_of(invoices, from_day, to_day) AS TABLE
SELECT customer_id, month, country, count(*) FILTER (purchase_lines > 0) AS orders,
    sum(gross) AS purchases, sum(gross + returned) AS net
FROM (
    SELECT source, customer_id, invoice_no, CAST(date_trunc('month', shop_day) AS DATE) AS month,
        arg_max(country, shop_day) AS country, sum(purchase_lines) AS purchase_lines, sum(gross) AS gross,
        sum(returned) AS returned
    FROM query_table(invoices) WHERE shop_day >= from_day AND shop_day < to_day
    GROUP BY source, customer_id, invoice_no, CAST(date_trunc('month', shop_day) AS DATE)
)
GROUP BY customer_id, month, country;
CREATE OR REPLACE MACRO sales.month_countries_of(booked) AS TABLE
SELECT month, country, CAST(sum(orders) AS BIGINT) AS orders
FROM query_table(booked) WHERE orders > 0 GROUP BY month, country;
CREATE OR REPLACE MACRO sales.month_cohorts_of(booked, cohorts) AS TABLE
SELECT month, cohort, count(*) FILTER (orders > 0) AS customers, CAST(sum(orders) AS BIGINT) AS orders,
    CAST(sum(net) AS DECIMAL(18, 4)) AS net
FROM (SELECT customer_id, month, sum(orders) AS orders, sum(net) AS net FROM query_table(booked) GROUP BY customer_id, month)
JOIN query_table(cohorts) USING (customer_id)
WHERE cohort <= month
GROUP BY month, cohort;
