-- grain: request to erase customers
SELECT r.erasure_id, r.requested_at, r.requested_by, r.customers, r.rows_removed, r.finished_at,
    CAST(count(DISTINCT v.version_id) AS BIGINT) AS revised_versions,
    EXISTS (FROM erasure.pending AS p WHERE p.erasure_id = r.erasure_id) AS unfinished
FROM erasure.requests AS r
LEFT JOIN erasure.revisions AS v USING (erasure_id)
GROUP BY ALL ORDER BY r.erasure_id;
