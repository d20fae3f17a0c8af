-- grain: one row: seconds a version took in the latest backfill that made some, else in the latest nights
-- reason: what a plan says about time comes from what runs here really took
WITH runs AS (
    SELECT run_id, command, started_at, ended_at, CAST(seconds ->> 'make_versions' AS DOUBLE) AS making,
        coalesce(CAST(seconds ->> 'segment_customers' AS DOUBLE), 0)
            + coalesce(CAST(seconds ->> 'publish_version' AS DOUBLE), 0) AS night
    FROM ops.runs WHERE ended_at IS NOT NULL AND seconds IS NOT NULL
),
backfills AS (
    SELECT started_at, making / count(version_id) AS seconds
    FROM runs JOIN segments.versions ON created_at BETWEEN started_at AND ended_at
    WHERE command = 'backfill' AND making > 0
    GROUP BY run_id, started_at, making ORDER BY started_at DESC LIMIT 1
),
nights AS (
    SELECT started_at, night AS seconds FROM runs WHERE command <> 'backfill' AND night > 0 ORDER BY started_at DESC LIMIT 5
)
SELECT coalesce((SELECT seconds FROM backfills), (SELECT median(seconds) FROM nights)) AS seconds_each;
