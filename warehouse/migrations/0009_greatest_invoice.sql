-- What tells, without a look at a customer's invoices, that one is new.

ALTER TABLE features.customer_activity ADD COLUMN greatest_invoice VARCHAR;  -- length and number; of purchases

UPDATE features.customer_activity SET greatest_invoice = known.greatest_invoice
FROM (
    SELECT customer_id, max(lpad(CAST(length(invoice_no) AS VARCHAR), 4, '0') || invoice_no) AS greatest_invoice
    FROM sales.invoices, features.state
    WHERE purchase_lines > 0 AND shop_day < as_of AND (window_days IS NULL OR shop_day >= as_of - window_days)
    GROUP BY customer_id
) AS known
WHERE known.customer_id = customer_activity.customer_id;
