-- grain: quarantined line that is asked for
-- inputs: $source; $reasons, $loads: lists, null for all; $since: received on that day (UTC) or later, null for all
CREATE OR REPLACE TEMP TABLE asked_lines AS
SELECT load_id, line_number, unit, received_at, coalesce(amount, 0) AS amount, content_key, reasons, delivered,
    list_contains(reasons, $malformed) AS malformed
FROM landing.quarantine
JOIN (
    SELECT load_id, unit, received_at FROM landing.loads
    WHERE status = 'accepted' AND source = $source
        AND ($loads IS NULL OR list_contains(CAST($loads AS INTEGER[]), load_id))
        AND ($since IS NULL OR received_at >= CAST($since AS DATE))
) AS loads USING (load_id)
WHERE outcome = 'quarantined' AND ($reasons IS NULL OR list_has_any(reasons, CAST($reasons AS VARCHAR[])));
