-- grain: customer
-- inputs: the candidate's assignments; membership on the date of the version before
-- reason: both versions in the same two columns, and who had a transaction between their dates
CREATE OR REPLACE TEMP TABLE members_before AS
SELECT customer_id, segment_key FROM segments.membership
WHERE valid_from <= $previous_as_of AND (valid_to IS NULL OR valid_to > $previous_as_of);
CREATE OR REPLACE TEMP TABLE members_after AS
SELECT customer_id, segment_key FROM segments.assignments WHERE version_id = $version_id;
CREATE OR REPLACE TEMP TABLE transacted AS
SELECT DISTINCT customer_id FROM sales.invoices WHERE shop_day >= $previous_as_of AND shop_day < $as_of;
