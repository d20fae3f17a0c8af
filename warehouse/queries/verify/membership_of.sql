-- grain: one row: customers of a version's file, and how many stays on its date are only in the file or only stored
-- inputs: snapshot; $as_of
WITH stored AS (
    SELECT customer_id, segment_key FROM segments.membership
    WHERE valid_from <= $as_of AND (valid_to IS NULL OR valid_to > $as_of)
)
SELECT (SELECT count(*) FROM snapshot) AS rows,
    (SELECT count(*) FROM (FROM snapshot EXCEPT ALL FROM stored))
        + (SELECT count(*) FROM (FROM stored EXCEPT ALL FROM snapshot)) AS differing;
