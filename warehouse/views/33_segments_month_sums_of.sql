-- grain: segment, of the customers with a booking in the month or a purchase in the one before
-- inputs: the name of what sales.booked_of made of the month; of customer_id, segment_key, valid_from and valid_to
-- reason: one definition for the months that are over and the one that is not; only the invoices of two months are read
CREATE OR REPLACE MACRO segments.month_sums_of(booked, membership, month_day, membership_as_of) AS TABLE
SELECT segment_key, count(*) FILTER (orders > 0) AS active_customers, CAST(sum(orders) AS BIGINT) AS orders,
    CAST(sum(purchases) AS DECIMAL(18, 4)) AS purchases, CAST(sum(net) AS DECIMAL(18, 4)) AS net,
    count(*) FILTER (before) AS active_before, count(*) FILTER (before AND orders > 0) AS retained
FROM (
    SELECT customer_id, sum(orders) AS orders, sum(purchases) AS purchases, sum(net) AS net, bool_or(before) AS before
    FROM (
        SELECT customer_id, orders, purchases, net, false AS before FROM query_table(booked)
        UNION ALL
        SELECT customer_id, 0, 0, 0, true FROM sales.invoices
        WHERE shop_day >= CAST(month_day - INTERVAL 1 MONTH AS DATE) AND shop_day < month_day AND purchase_lines > 0
    )
    GROUP BY customer_id
) AS done
JOIN query_table(membership) AS m ON m.customer_id = done.customer_id
    AND m.valid_from <= membership_as_of AND (m.valid_to IS NULL OR m.valid_to > membership_as_of)
GROUP BY segment_key;
