-- grain: the newest published version whose following days are known and whose quality is not measured yet
SELECT version_id, as_of, rfm_thresholds
FROM segments.history
WHERE as_of + CAST($horizon_days AS INTEGER) <= $as_of
    AND version_id NOT IN (SELECT version_id FROM segments.quality)
ORDER BY as_of DESC
LIMIT 1;
