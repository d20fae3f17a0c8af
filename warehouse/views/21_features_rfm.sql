-- grain: segmented customer: at least one purchase before as_of (inside the window, if one is given)
-- inputs: sales.invoices
-- reason: recency, frequency, monetary and average order value as of any date: RFM is the first three, RFA the first two
--   and the last. recency_days is at least 1; monetary is net of returns, gross is beside it. Days between orders run
--   from the first purchase, or the start of the window, to the last; a single order has none.
CREATE OR REPLACE MACRO features.rfm_from(activity, as_of, window_days) AS TABLE
SELECT customer_id, date_diff('day', last_purchase_day, as_of) AS recency_days, frequency, net AS monetary,
    CAST(round(gross / frequency, 4) AS DECIMAL(18, 4)) AS average,
    gross, returned, first_purchase_day, last_purchase_day,
    date_diff('day', first_purchase_day, as_of) AS tenure_days,
    CASE WHEN frequency > 1 THEN date_diff('day', greatest(
        first_purchase_day, coalesce(as_of - CAST(window_days AS INTEGER), first_purchase_day)
    ), last_purchase_day) / (frequency - 1) END AS days_between_orders,
    CASE WHEN gross > 0 THEN CAST(-returned AS DOUBLE) / CAST(gross AS DOUBLE) END AS return_rate,
    CAST(items AS DOUBLE) / frequency AS items_per_order,
    active_months, country
FROM query_table(activity)
WHERE frequency > 0;
CREATE OR REPLACE MACRO features.rfm(as_of, window_days := NULL) AS TABLE
WITH activity AS (FROM features.activity_of('sales.invoices', as_of, window_days))
FROM features.rfm_from('activity', as_of, window_days);
