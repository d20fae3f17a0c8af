-- grain: month with a date of history, and its last version; those before the version's own that are not kept
-- inputs: shared.shown_versions, segments.month_sums
-- reason: a version of as_of says where everybody was at the end of the day before, so one of 1 February is January's last
CREATE OR REPLACE TEMP TABLE month_versions AS
SELECT CAST(date_trunc('month', as_of - 1) AS DATE) AS month, max(as_of) AS membership_as_of,
    arg_max(version_id, as_of) AS version_id
FROM shared.shown_versions WHERE as_of <= $as_of
GROUP BY ALL;
SELECT version_id, month, membership_as_of FROM month_versions ANTI JOIN segments.month_sums USING (version_id, month)
WHERE version_id <> $version_id ORDER BY month;
