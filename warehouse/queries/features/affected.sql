-- grain: customer with invoices of the new days, and their activity of the new date
-- inputs: activity, of $old_as_of, with its rows' numbers; changed_invoices; sales.invoices
-- reason: cost follows what changed. To whom only invoices of [old_as_of, as_of) came, these are added; in anew_customers is
--   to whom something of before changed, left the window, or may be an invoice of before going on: its number is not greater
--   than all there were (the greatest decides on a single one). New days of one month bring one active month at most.
--   Customers are looked for among all others once; what was theirs goes by the numbers of its rows.
CREATE OR REPLACE TEMP TABLE new_invoices AS
SELECT * FROM sales.invoices WHERE shop_day >= $old_as_of AND shop_day < $as_of;
CREATE OR REPLACE TEMP TABLE advanced_activity AS
SELECT customer_id, least(a.first_purchase_day, n.first_purchase_day) AS first_purchase_day,
    coalesce(n.last_purchase_day, a.last_purchase_day) AS last_purchase_day,
    coalesce(a.frequency, 0) + n.frequency AS frequency, coalesce(a.gross, 0) + n.gross AS gross,
    coalesce(a.returned, 0) + n.returned AS returned, coalesce(a.net, 0) + n.net AS net,
    coalesce(a.purchase_lines, 0) + n.purchase_lines AS purchase_lines,
    coalesce(a.return_lines, 0) + n.return_lines AS return_lines, coalesce(a.items, 0) + n.items AS items,
    coalesce(a.active_months, 0) + n.active_months
        - CAST(coalesce(date_trunc('month', a.last_purchase_day) = date_trunc('month', n.last_purchase_day), false) AS BIGINT) AS active_months,
    coalesce(n.country, a.country) AS country, coalesce(n.greatest_invoice, a.greatest_invoice) AS greatest_invoice,
    CASE WHEN n.frequency > 1 OR n.greatest_invoice <= a.greatest_invoice THEN a.greatest_invoice END AS not_to_reach,
    a.row_number
FROM features.activity_of('new_invoices', $as_of, NULL) AS n LEFT JOIN activity AS a USING (customer_id);
CREATE OR REPLACE TEMP TABLE anew_customers AS
SELECT customer_id FROM changed_invoices WHERE shop_day < $old_as_of
UNION
SELECT customer_id FROM sales.invoices
WHERE shop_day >= $old_as_of - CAST($window_days AS INTEGER) AND shop_day < $as_of - CAST($window_days AS INTEGER)
UNION
SELECT customer_id FROM new_invoices
WHERE $window_days IS NOT NULL OR date_trunc('month', $old_as_of) < date_trunc('month', $as_of - 1)
GROUP BY customer_id
HAVING $window_days IS NOT NULL OR date_trunc('month', min(shop_day)) < date_trunc('month', max(shop_day))
UNION
SELECT customer_id FROM new_invoices JOIN (FROM advanced_activity WHERE not_to_reach IS NOT NULL) USING (customer_id)
WHERE new_invoices.purchase_lines > 0
    AND lpad(CAST(length(invoice_no) AS VARCHAR), 4, '0') || invoice_no <= not_to_reach;
CREATE OR REPLACE TEMP VIEW former_rows AS
SELECT row_number FROM advanced_activity WHERE row_number IS NOT NULL;
CREATE OR REPLACE TEMP VIEW affected_activity AS
SELECT * EXCLUDE (not_to_reach, row_number) FROM advanced_activity;
