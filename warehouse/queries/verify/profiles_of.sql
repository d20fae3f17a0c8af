-- grain: one row: segments of a version's file that have customers, and how many sizes are only there or only stored
-- inputs: snapshot, of the version; $version_id
-- reason: the stored profiles are what later files tell of this version; means are those of the day, sizes follow erasures
WITH counted AS (SELECT segment_key, count(*) AS customers FROM snapshot GROUP BY segment_key),
stored AS (SELECT segment_key, customers FROM segments.profiles WHERE version_id = $version_id AND customers > 0)
SELECT (SELECT count(*) FROM counted) AS rows,
    (SELECT count(*) FROM (FROM counted EXCEPT ALL FROM stored))
        + (SELECT count(*) FROM (FROM stored EXCEPT ALL FROM counted)) AS differing;
