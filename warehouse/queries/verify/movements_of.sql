-- grain: one row: customers that moved between the files of two versions, and how many movements are only there or only stored
-- inputs: snapshot, of the version; former_snapshot, of the one before it; $version_id
WITH moved AS (
    SELECT customer_id, former.segment_key AS from_segment_key, snapshot.segment_key AS to_segment_key
    FROM snapshot FULL JOIN former_snapshot AS former USING (customer_id)
    WHERE snapshot.segment_key IS DISTINCT FROM former.segment_key
),
stored AS (
    SELECT customer_id, from_segment_key, to_segment_key FROM segments.movements WHERE version_id = $version_id
)
SELECT (SELECT count(*) FROM moved) AS rows,
    (SELECT count(*) FROM (FROM moved EXCEPT ALL FROM stored))
        + (SELECT count(*) FROM (FROM stored EXCEPT ALL FROM moved)) AS differing;
