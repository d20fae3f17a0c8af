-- grain: month x segment: those kept of the version's months, and its own
-- inputs: month_versions, segments.month_sums; shared.booked, next_membership
CREATE OR REPLACE TEMP TABLE month_sums AS
SELECT sums.* FROM segments.month_sums AS sums SEMI JOIN month_versions USING (version_id, month)
WHERE version_id <> $version_id
UNION ALL BY NAME
SELECT *, $version_id AS version_id, CAST(date_trunc('month', CAST($as_of AS DATE) - 1) AS DATE) AS month
FROM segments.month_sums_of(
    'shared.booked', 'next_membership', CAST(date_trunc('month', CAST($as_of AS DATE) - 1) AS DATE), $as_of
);
