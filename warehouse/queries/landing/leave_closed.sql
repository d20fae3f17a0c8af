-- inputs: touched_invoices, touched_days, lost_pairs
-- reason: what was made of closed days stays as it is, as their lines are gone
DELETE FROM touched_invoices WHERE NOT landing.is_open(shop_day);
DELETE FROM touched_days WHERE NOT landing.is_open(shop_day);
DELETE FROM lost_pairs USING sales.customer_products AS known
WHERE lost_pairs.customer_id = known.customer_id AND lost_pairs.product = known.product
    AND NOT landing.is_open(known.first_purchase_day);
