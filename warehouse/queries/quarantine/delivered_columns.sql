-- grain: column that asked lines were delivered with, in the order of the files
-- inputs: asked_lines; a line that could not be split into columns has none
SELECT name, min(place) AS place FROM (
    SELECT unnest(names) AS name, unnest(range(len(names))) AS place
    FROM (SELECT DISTINCT json_keys(delivered) AS names FROM asked_lines WHERE NOT malformed)
)
GROUP BY name ORDER BY place, name;
