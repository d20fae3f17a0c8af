-- grain: source x customer x invoice_no x shop_day
-- inputs: the name of a relation shaped like sales.transaction_lines
-- reason: one definition of an invoice for the nightly update and for the rebuild that verifies it
CREATE OR REPLACE MACRO sales.invoices_of(lines) AS TABLE
SELECT source, customer_id, invoice_no, shop_day,
    max(country) AS country,
    count(*) FILTER (outcome = 'purchase') AS purchase_lines,
    count(*) FILTER (outcome = 'return') AS return_lines,
    CAST(coalesce(sum(quantity) FILTER (outcome = 'purchase'), 0) AS DECIMAL(18, 4)) AS items,
    CAST(coalesce(sum(amount) FILTER (outcome = 'purchase'), 0) AS DECIMAL(18, 4)) AS gross,
    CAST(coalesce(sum(amount) FILTER (outcome = 'return'), 0) AS DECIMAL(18, 4)) AS returned
FROM query_table(lines)
WHERE outcome IN ('purchase', 'return')
GROUP BY source, customer_id, invoice_no, shop_day;
