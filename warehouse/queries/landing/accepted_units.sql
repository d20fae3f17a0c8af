-- grain: accepted load of one source, oldest first
-- reason: what was taken in already, to leave unchanged deliveries alone
SELECT load_id, unit, fingerprint, size_bytes, modified_ns,
    CAST(epoch_ns(coalesce(looked_at, received_at)) AS BIGINT) AS looked_ns
FROM landing.loads
WHERE source = $source AND status = 'accepted'
ORDER BY load_id;
