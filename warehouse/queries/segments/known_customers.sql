-- grain: date
-- inputs: $dates, sales.invoices
-- reason: who is known on a date, whatever a window leaves of them
SELECT as_of, count(customer_id) AS known
FROM (SELECT unnest(CAST($dates AS DATE[])) AS as_of)
LEFT JOIN (SELECT customer_id, min(shop_day) AS first_day FROM sales.invoices GROUP BY customer_id) ON first_day < as_of
GROUP BY as_of;
