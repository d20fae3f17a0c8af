-- grain: one row: what the deliveries taken in by this run were made of
-- inputs: $now, when they were accepted
SELECT count(*) AS files,
    CAST(coalesce(sum(delivered_lines), 0) AS BIGINT) AS delivered_lines,
    CAST(coalesce(sum(purchase_lines), 0) AS BIGINT) AS purchase_lines,
    CAST(coalesce(sum(return_lines), 0) AS BIGINT) AS return_lines,
    CAST(coalesce(sum(unattributed_lines), 0) AS BIGINT) AS unattributed_lines,
    CAST(coalesce(sum(quarantined_lines), 0) AS BIGINT) AS quarantined_lines,
    CAST(coalesce(sum(duplicate_lines), 0) AS BIGINT) AS duplicate_lines,
    CAST(coalesce(sum(erased_lines), 0) AS BIGINT) AS erased_lines,
    CAST(coalesce(sum(closed_lines), 0) AS BIGINT) AS closed_lines,
    CAST(coalesce(sum(purchase_amount), 0) AS DECIMAL(18, 4)) AS purchase_amount,
    CAST(coalesce(sum(return_amount), 0) AS DECIMAL(18, 4)) AS return_amount
FROM landing.loads WHERE accepted_at = $now AND status = 'accepted';
