-- grain: published version x measure
SELECT d.version_id, v.as_of, d.measure, d.psi_training, d.psi_previous
FROM segments.drift AS d JOIN segments.versions AS v USING (version_id)
WHERE v.version_id IN (SELECT version_id FROM segments.history) OR v.version_id = $version_id
ORDER BY d.version_id, d.measure
