-- grain: delivered customer id that now belongs to another customer than before
-- inputs: given_merges, sales.customer_merges
CREATE OR REPLACE TEMP TABLE changed_merges AS
SELECT coalesce(given.customer_id, former.customer_id) AS customer_id
FROM given_merges AS given FULL JOIN sales.customer_merges AS former ON former.customer_id = given.customer_id
WHERE given.merged_id IS DISTINCT FROM former.merged_id;
SELECT count(*) FROM changed_merges;
