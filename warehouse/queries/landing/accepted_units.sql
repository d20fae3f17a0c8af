-- grain: accepted load of one source, oldest first
-- reason: what was taken in already, to leave unchanged deliveries alone
SELECT load_id, unit, fingerprint, size_bytes, modified_ns, CAST(epoch_ns(received_at) AS BIGINT) AS received_ns
FROM landing.loads
WHERE source = $source AND status = 'accepted'
ORDER BY load_id;
