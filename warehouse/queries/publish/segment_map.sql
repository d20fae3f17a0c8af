-- grain: sampled customer, in an order that says nothing about who it is
SELECT m.segment_key, n.segment, m.x, m.y, m.z, m.standardised
FROM segments.map_points AS m JOIN segments.names AS n USING (segment_key)
WHERE m.version_id = $version_id
ORDER BY m.segment_key, m.x, m.y, m.z
