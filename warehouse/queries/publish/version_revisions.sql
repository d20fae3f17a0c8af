-- grain: revision of this file; it has none when it is published
SELECT CAST(NULL AS INTEGER) AS version_id, CAST(NULL AS INTEGER) AS revision, CAST(NULL AS TIMESTAMP) AS revised_at,
    CAST(NULL AS VARCHAR) AS reason
WHERE false
