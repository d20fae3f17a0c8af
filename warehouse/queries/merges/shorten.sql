-- grain: merged-away customer
-- reason: each run doubles how far along its chain a customer has been followed
CREATE OR REPLACE TEMP TABLE given_merges AS
SELECT one.customer_id, coalesce(next.merged_id, one.merged_id) AS merged_id
FROM given_merges AS one LEFT JOIN given_merges AS next ON next.customer_id = one.merged_id;
