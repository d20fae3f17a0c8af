-- grain: date of the range
-- inputs: $dates
-- reason: how many customers had a purchase by then; with a trailing window that many at most
WITH firsts AS (SELECT customer_id, min(shop_day) AS first_day FROM sales.invoices WHERE purchase_lines > 0 GROUP BY customer_id),
grown AS (SELECT first_day, sum(count(*)) OVER (ORDER BY first_day) AS customers FROM firsts GROUP BY first_day)
SELECT as_of, CAST(customers AS BIGINT) AS customers
FROM (SELECT unnest(CAST($dates AS DATE[])) AS as_of) AS asked
ASOF JOIN grown ON grown.first_day < asked.as_of
ORDER BY as_of;
