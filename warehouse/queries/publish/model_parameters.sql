-- grain: setting, library or fact of the model of the version
-- reason: whoever holds a file can tell how its segments were made, without the warehouse
WITH model AS (
    FROM models.models WHERE model_id = (SELECT model_id FROM segments.versions WHERE version_id = $version_id)
)
SELECT 'setting' AS kind, substr(fullkey, 3) AS name, CASE type WHEN 'VARCHAR' THEN atom ->> '$' WHEN 'NULL' THEN NULL ELSE CAST(value AS VARCHAR) END AS value
FROM model, json_tree(params)
WHERE type <> 'OBJECT' AND fullkey NOT LIKE '%[%'
UNION ALL
SELECT 'library', name, libraries ->> ('$."' || name || '"')
FROM (SELECT library_versions AS libraries, unnest(json_keys(library_versions)) AS name FROM model)
UNION ALL
SELECT 'fact', fact.name, fact.value
FROM model, LATERAL (
    VALUES ('why this number of segments', k_reason), ('random seed', CAST(seed AS VARCHAR)),
        ('last refit', CAST(refitted AS VARCHAR)), ('customers fitted on', CAST(training_customers AS VARCHAR))
) AS fact(name, value)
ORDER BY kind, name
