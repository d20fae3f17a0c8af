-- inputs: given_merges; the pads of the erasure key
-- reason: the shop's file goes on naming customers who were erased; their ids must not come back by it
DELETE FROM given_merges
WHERE erasure.is_erased(customer_id, $inner_pad, $outer_pad) OR erasure.is_erased(merged_id, $inner_pad, $outer_pad);
