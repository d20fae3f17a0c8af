-- grain: version x customer that moved: this version against its predecessor, and its successor against this one
-- inputs: next_membership; sales.invoices for the money: the mover's net revenue of the 365 days before the version
-- reason: movements are between neighbouring published dates, so a version put in between changes its successor's too;
--   shown_versions are those the published histories tell of, which several of the file's tables ask for. Both connections that fill a file look at them.
CREATE OR REPLACE TABLE shared.recomputed AS
SELECT CAST(id AS INTEGER) AS version_id, CAST(previous AS INTEGER) AS previous_version_id
FROM (VALUES ($version_id, $previous_version_id), ($next_version_id, $version_id)) AS neighbours(id, previous)
WHERE id IS NOT NULL;
CREATE OR REPLACE TABLE shared.shown_versions AS
SELECT version_id, as_of, model_id, coalesce(r.previous_version_id, v.previous_version_id) AS previous_version_id
FROM (
    SELECT version_id, as_of, model_id, previous_version_id FROM segments.history WHERE as_of <> $as_of
    UNION ALL SELECT version_id, as_of, model_id, previous_version_id FROM segments.versions WHERE version_id = $version_id
) AS v
LEFT JOIN shared.recomputed AS r USING (version_id);
CREATE OR REPLACE TEMP TABLE moves AS
WITH steps AS (
    SELECT $version_id AS version_id, $previous_as_of AS from_day, $as_of AS to_day WHERE $previous_as_of IS NOT NULL
    UNION ALL SELECT $next_version_id, $as_of, $next_as_of WHERE $next_as_of IS NOT NULL
),
ends AS (
    SELECT version_id, to_day, customer_id,
        max(segment_key) FILTER (valid_from <= from_day AND (valid_to IS NULL OR valid_to > from_day)) AS from_segment_key,
        max(segment_key) FILTER (valid_from <= to_day AND (valid_to IS NULL OR valid_to > to_day)) AS to_segment_key
    FROM next_membership JOIN steps ON valid_from <= to_day AND (valid_to IS NULL OR valid_to > from_day)
    GROUP BY version_id, to_day, customer_id
)
SELECT version_id, to_day, customer_id, from_segment_key, to_segment_key
FROM ends WHERE from_segment_key IS DISTINCT FROM to_segment_key;
CREATE OR REPLACE TABLE shared.movements_come AS
SELECT version_id, customer_id, from_segment_key, to_segment_key,
    CAST(coalesce(sum(gross + returned) FILTER (shop_day < to_day AND shop_day >= to_day - 365), 0) AS DECIMAL(18, 4)) AS net_365_days
FROM moves LEFT JOIN (
    SELECT * FROM sales.invoices SEMI JOIN moves USING (customer_id)
    WHERE shop_day >= CAST($as_of AS DATE) - 365 AND shop_day < coalesce(CAST($next_as_of AS DATE), $as_of)
) USING (customer_id)
GROUP BY version_id, customer_id, from_segment_key, to_segment_key;
CREATE OR REPLACE TABLE shared.moved_counts AS
SELECT version_id, previous_version_id, CASE WHEN previous_version_id IS NOT NULL THEN count(customer_id) END AS moved
FROM shared.recomputed LEFT JOIN shared.movements_come USING (version_id)
GROUP BY version_id, previous_version_id;
