-- grain: customer with an invoice before as_of (inside the window of so many days before it, if one is given)
-- inputs: the name of a relation shaped like sales.invoices
-- reason: one definition of activity for the nightly update, for any other date and for the rebuild that verifies it.
--   Nothing here ages: recency is as_of minus the last purchase day. An invoice booked on two days is one purchase.
--   greatest_invoice is the greatest number of a purchase, a longer one before a shorter one: what is greater is new.
CREATE OR REPLACE MACRO features.activity_of(invoices, as_of, window_days) AS TABLE
SELECT customer_id,
    min(first_purchase_day) AS first_purchase_day,
    max(last_purchase_day) AS last_purchase_day,
    count(*) FILTER (purchase_lines > 0) AS frequency,
    CAST(coalesce(sum(gross), 0) AS DECIMAL(18, 4)) AS gross,
    CAST(coalesce(sum(returned), 0) AS DECIMAL(18, 4)) AS returned,
    CAST(coalesce(sum(gross), 0) + coalesce(sum(returned), 0) AS DECIMAL(18, 4)) AS net,
    CAST(coalesce(sum(purchase_lines), 0) AS BIGINT) AS purchase_lines,
    CAST(coalesce(sum(return_lines), 0) AS BIGINT) AS return_lines,
    CAST(coalesce(sum(items), 0) AS DECIMAL(18, 4)) AS items,
    count(DISTINCT date_trunc('month', last_purchase_day)) AS active_months,
    arg_max(country, latest) AS country,
    max(lpad(CAST(length(invoice_no) AS VARCHAR), 4, '0') || invoice_no) FILTER (purchase_lines > 0) AS greatest_invoice
FROM (
    SELECT customer_id, source, invoice_no,
        min(shop_day) FILTER (purchase_lines > 0) AS first_purchase_day,
        max(shop_day) FILTER (inside AND purchase_lines > 0) AS last_purchase_day,
        sum(purchase_lines) FILTER (inside) AS purchase_lines,
        sum(return_lines) FILTER (inside) AS return_lines,
        sum(items) FILTER (inside) AS items,
        sum(gross) FILTER (inside) AS gross,
        sum(returned) FILTER (inside) AS returned,
        arg_max(country, shop_day) AS country,
        CAST(max(shop_day) FILTER (country IS NOT NULL) AS VARCHAR) || source || invoice_no AS latest,
        bool_or(inside) AS inside
    FROM (
        SELECT *, window_days IS NULL OR shop_day >= as_of - CAST(window_days AS INTEGER) AS inside
        FROM query_table(invoices) WHERE shop_day < as_of
    )
    GROUP BY customer_id, source, invoice_no
)
GROUP BY customer_id
HAVING bool_or(inside);
