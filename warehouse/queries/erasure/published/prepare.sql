-- grain: movement of an erased customer, by the stays the file itself has
-- inputs: former, the published file; pending_movements for the money
CREATE OR REPLACE TEMP TABLE gone_stays AS
SELECT customer_id, segment_key, valid_from, valid_to FROM former.customer_segments_history WHERE customer_id IN (FROM gone);
CREATE OR REPLACE TEMP TABLE gone_movements AS
WITH steps AS (
    SELECT DISTINCT version_id, previous_as_of, as_of FROM former.segment_movements WHERE previous_as_of IS NOT NULL
),
ends AS (
    SELECT version_id, customer_id,
        max(segment_key) FILTER (valid_from <= previous_as_of AND (valid_to IS NULL OR valid_to > previous_as_of)) AS from_segment_key,
        max(segment_key) FILTER (valid_from <= as_of AND (valid_to IS NULL OR valid_to > as_of)) AS to_segment_key
    FROM gone_stays JOIN steps ON valid_from <= as_of AND (valid_to IS NULL OR valid_to > previous_as_of)
    GROUP BY version_id, customer_id
)
SELECT version_id, ends.from_segment_key, ends.to_segment_key, count(*) AS customers, coalesce(sum(net_365_days), 0) AS net_365_days
FROM ends LEFT JOIN pending_movements AS p USING (version_id, customer_id)
WHERE ends.from_segment_key IS DISTINCT FROM ends.to_segment_key
GROUP BY version_id, ends.from_segment_key, ends.to_segment_key;
