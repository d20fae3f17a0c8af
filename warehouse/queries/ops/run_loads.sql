-- grain: delivery this run took in or refused, as a person reads it
-- inputs: $now, when the run began, which is when its deliveries were received
SELECT unit AS file, status, coalesce(delivered_lines, 0) AS lines, purchase_lines AS purchases,
    return_lines AS returns, unattributed_lines AS unattributed, quarantined_lines AS quarantined,
    duplicate_lines AS duplicates, erased_lines AS erased, error
FROM landing.loads WHERE received_at = $now ORDER BY status, unit;
