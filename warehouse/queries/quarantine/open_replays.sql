-- grain: load whose quarantined lines are tried again: a staged load of its own for each
-- inputs: asked_lines; $first, the next number of a load
CREATE OR REPLACE TEMP TABLE replays AS
SELECT load_id AS replays_load_id, CAST($first - 1 + row_number() OVER (ORDER BY load_id) AS INTEGER) AS load_id
FROM (SELECT DISTINCT load_id FROM asked_lines);
INSERT INTO landing.loads BY NAME
SELECT load_id, $source AS source, 'replay of load ' || replays_load_id AS unit, 'staged' AS status, $now AS received_at,
    replays_load_id
FROM replays;
CREATE OR REPLACE TEMP TABLE delivered_files AS SELECT CAST(load_id AS VARCHAR) AS file, load_id FROM replays;
CREATE OR REPLACE TEMP TABLE tried_lines AS
SELECT asked.*, CAST(replays.load_id AS VARCHAR) AS file, CASE WHEN malformed THEN [] ELSE json_keys(delivered) END AS names,
    lower(regexp_extract(unit, '\.([A-Za-z]+)(\.gz)?$', 1)) AS ending
FROM asked_lines AS asked JOIN replays ON replays.replays_load_id = asked.load_id;
