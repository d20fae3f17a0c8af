-- grain: line of the file that cannot be meant so, in the order of the file
-- inputs: merge_lines
SELECT line, problem FROM (
    SELECT line, CASE
        WHEN customer_id IS NULL THEN 'it has no old customer'
        WHEN merged_id IS NULL THEN 'customer ' || customer_id || ' has no new customer'
        WHEN customer_id = merged_id THEN 'customer ' || customer_id || ' is merged into itself'
        WHEN merged_id <> first_value(merged_id) OVER earlier
            THEN 'customer ' || customer_id || ' is merged into ' || merged_id || ', and into '
                || first_value(merged_id) OVER earlier || ' in line ' || first_value(line) OVER earlier
        END AS problem
    FROM merge_lines
    WHERE customer_id IS NOT NULL OR merged_id IS NOT NULL
    WINDOW earlier AS (PARTITION BY customer_id ORDER BY line)
)
WHERE problem IS NOT NULL
ORDER BY line LIMIT 20;
