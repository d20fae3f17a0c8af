-- grain: one delivery
-- reason: the ledger row comes with the lines, in one transaction, so that neither is ever alone
INSERT INTO landing.loads
    (load_id, source, unit, fingerprint, size_bytes, modified_ns, status, error, received_at, replaces_load_id)
VALUES
    ($load_id, $source, $unit, $fingerprint, $size_bytes, $modified_ns, $status, $error, $received_at, $replaces_load_id);
