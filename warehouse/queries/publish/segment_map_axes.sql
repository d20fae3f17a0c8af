-- grain: axis x input of the model
SELECT axis, input, loading, variance_share, sampled_customers, customers
FROM segments.map_axes WHERE version_id = $version_id
ORDER BY axis, input
