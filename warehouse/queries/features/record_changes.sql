-- grain: accepted batch that changed invoices
-- inputs: changed_invoices; features.state, which has the batch's revision already
-- reason: a version of a date after the first changed day, made from an earlier revision, says what is no longer so.
--   What is kept of that day's month and later ones goes: a first purchase decides on a cohort for all months after it.
INSERT INTO sales.changes BY NAME
SELECT ledger_revision, min(shop_day) AS first_shop_day, max(shop_day) AS last_shop_day,
    count(DISTINCT customer_id) AS customers, count(*) AS invoices
FROM features.state CROSS JOIN changed_invoices
GROUP BY ledger_revision;
DELETE FROM sales.month_cohorts WHERE last_day(month) >= (SELECT min(shop_day) FROM changed_invoices);
DELETE FROM sales.month_countries WHERE last_day(month) >= (SELECT min(shop_day) FROM changed_invoices);
DELETE FROM segments.month_sums WHERE last_day(month) >= (SELECT min(shop_day) FROM changed_invoices);
