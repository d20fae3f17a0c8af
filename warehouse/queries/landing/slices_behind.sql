-- grain: accepted slice, not read again, with an earlier state of a line whose newest state is gone from the database
-- reason: the earlier state would count again; its slice, read anew, no longer has it
WITH replaced AS (SELECT DISTINCT replaced_load_id AS load_id FROM landing.replaced_loads),
going AS (
    FROM replaced UNION SELECT load_id FROM landing.loads WHERE status = 'accepted' AND replays_load_id IN (FROM replaced)
),
lost AS (
    SELECT line_id FROM sales.transaction_lines SEMI JOIN going USING (load_id) WHERE line_id IS NOT NULL
    UNION SELECT line_id FROM landing.quarantine SEMI JOIN going USING (load_id) WHERE line_id IS NOT NULL
    EXCEPT SELECT line_id FROM landing.staged_lines
)
SELECT watermark_after, watermark_upto
FROM landing.loads
WHERE source = $source AND status = 'accepted' AND watermark IS NOT NULL AND load_id NOT IN (FROM going)
    AND load_id IN (
        SELECT load_id FROM sales.transaction_lines SEMI JOIN lost USING (line_id)
        UNION SELECT load_id FROM landing.quarantine SEMI JOIN lost USING (line_id)
    )
ORDER BY load_id;
