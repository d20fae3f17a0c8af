-- grain: staged delivery
-- reason: what was delivered, counted before anything is compared, so that the outcomes can be held to it; lines of
--   erased customers and of closed days are counted here and nowhere else
UPDATE landing.staged_lines SET outcome = 'closed'
WHERE outcome NOT IN ('quarantined', 'erased') AND NOT landing.is_open(shop_day);
UPDATE landing.loads SET
    delivered_lines = counted.lines, delivered_amount = counted.amount, rounded_lines = counted.rounded_lines,
    first_shop_day = counted.first_day, last_shop_day = counted.last_day,
    erased_lines = counted.erased_lines, erased_amount = counted.erased_amount,
    closed_lines = counted.closed_lines, closed_amount = counted.closed_amount
FROM (
    SELECT load_id, count(*) FILTER (outcome = 'erased') AS erased_lines,
        coalesce(sum(amount) FILTER (outcome = 'erased'), 0) AS erased_amount,
        count(*) FILTER (outcome = 'closed') AS closed_lines,
        coalesce(sum(amount) FILTER (outcome = 'closed'), 0) AS closed_amount, count(*) AS lines, coalesce(sum(amount), 0) AS amount, count(*) FILTER (rounded) AS rounded_lines,
        min(shop_day) FILTER (outcome <> 'quarantined') AS first_day, max(shop_day) FILTER (outcome <> 'quarantined') AS last_day
    FROM landing.staged_lines GROUP BY load_id
) AS counted
WHERE loads.load_id = counted.load_id AND loads.status = 'staged';
DELETE FROM landing.staged_lines WHERE outcome IN ('erased', 'closed');
