-- grain: one row: how many chains have not reached a customer that is not merged away, and one customer they lead to
-- reason: what is unfinished after as many doublings as there are pairs goes round in a circle, and merged_id is in it
SELECT count(*) AS customers, min(merged_id) AS example FROM given_merges
WHERE merged_id IN (SELECT customer_id FROM merge_pairs);
