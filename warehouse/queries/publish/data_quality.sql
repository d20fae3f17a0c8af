-- grain: accepted delivery
SELECT load_id, source, unit, received_at, first_shop_day, last_shop_day, delivered_lines, delivered_amount,
    purchase_lines, purchase_amount, return_lines, return_amount, unattributed_lines, unattributed_amount,
    quarantined_lines, quarantined_amount, duplicate_lines, duplicate_amount, rounded_lines, erased_lines, erased_amount
FROM landing.loads WHERE status = 'accepted' ORDER BY load_id
