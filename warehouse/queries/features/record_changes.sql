-- grain: accepted batch that changed invoices
-- inputs: changed_invoices; features.state, which has the batch's revision already
-- reason: a version of a date after the first changed day, made from an earlier revision, says what is no longer so
INSERT INTO sales.changes BY NAME
SELECT ledger_revision, min(shop_day) AS first_shop_day, max(shop_day) AS last_shop_day,
    count(DISTINCT customer_id) AS customers, count(*) AS invoices
FROM features.state CROSS JOIN changed_invoices
GROUP BY ledger_revision;
