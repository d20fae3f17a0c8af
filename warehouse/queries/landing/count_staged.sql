-- grain: staged delivery
-- reason: what was delivered, counted before anything is compared, so that the outcomes can be held to it
UPDATE landing.loads SET
    delivered_lines = counted.lines, delivered_amount = counted.amount, rounded_lines = counted.rounded_lines,
    first_shop_day = counted.first_day, last_shop_day = counted.last_day
FROM (
    SELECT load_id, count(*) AS lines, coalesce(sum(amount), 0) AS amount, count(*) FILTER (rounded) AS rounded_lines,
        min(shop_day) FILTER (outcome <> 'quarantined') AS first_day, max(shop_day) FILTER (outcome <> 'quarantined') AS last_day
    FROM landing.staged_lines GROUP BY load_id
) AS counted
WHERE loads.load_id = counted.load_id AND loads.status = 'staged';
