-- grain: load with a line that is asked for
-- inputs: asked_lines
SELECT load_id, any_value(asked.unit) AS unit, any_value(asked.received_at) AS received_at, count(*) AS lines,
    CAST(sum(amount) AS DECIMAL(18, 4)) AS amount, any_value(delivered_lines) AS delivered_lines
FROM asked_lines AS asked JOIN landing.loads USING (load_id)
GROUP BY load_id ORDER BY load_id;
