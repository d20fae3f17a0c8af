-- grain: customer x interval, only of customers whose segment on as_of is not the one known for that date
-- inputs: segments.assignments of the version; next_as_of: date of the published version after it, if there is one
-- reason: a version says where everybody is from its date to the next version's; intervals are cut open there, the new
--   piece goes in and equal neighbours are joined. The same statement serves the newest date and one in between.
CREATE OR REPLACE TEMP TABLE moved_customers AS
SELECT coalesce(a.customer_id, m.customer_id) AS customer_id, a.segment_key
FROM (SELECT customer_id, segment_key FROM segments.assignments WHERE version_id = $version_id) AS a
FULL JOIN (
    SELECT customer_id, segment_key FROM segments.membership
    WHERE valid_from <= $as_of AND (valid_to IS NULL OR valid_to > $as_of)
) AS m ON m.customer_id = a.customer_id
WHERE a.segment_key IS DISTINCT FROM m.segment_key;
CREATE OR REPLACE TEMP TABLE membership_gone AS
SELECT m.* FROM segments.membership AS m SEMI JOIN moved_customers USING (customer_id);
CREATE OR REPLACE TEMP TABLE membership_come AS
WITH pieces AS (
    SELECT customer_id, segment_key, valid_from, least(valid_to, CAST($as_of AS DATE)) AS valid_to
    FROM membership_gone WHERE valid_from < $as_of
    UNION ALL
    SELECT customer_id, segment_key, greatest(valid_from, CAST($next_as_of AS DATE)), valid_to
    FROM membership_gone WHERE $next_as_of IS NOT NULL AND (valid_to IS NULL OR valid_to > $next_as_of)
    UNION ALL
    SELECT customer_id, segment_key, $as_of, $next_as_of FROM moved_customers WHERE segment_key IS NOT NULL
),
islands AS (
    SELECT *, sum(CASE WHEN starts THEN 1 ELSE 0 END) OVER (PARTITION BY customer_id ORDER BY valid_from) AS island
    FROM (
        SELECT *, lag(segment_key) OVER earlier IS DISTINCT FROM segment_key
            OR lag(valid_to) OVER earlier IS DISTINCT FROM valid_from AS starts
        FROM pieces WINDOW earlier AS (PARTITION BY customer_id ORDER BY valid_from)
    )
)
SELECT customer_id, any_value(segment_key) AS segment_key, min(valid_from) AS valid_from,
    CASE WHEN count(*) = count(valid_to) THEN max(valid_to) END AS valid_to
FROM islands GROUP BY customer_id, island;
CREATE OR REPLACE TEMP VIEW next_membership AS
SELECT customer_id, segment_key, valid_from, valid_to FROM segments.membership ANTI JOIN moved_customers USING (customer_id)
UNION ALL SELECT customer_id, segment_key, valid_from, valid_to FROM membership_come;
