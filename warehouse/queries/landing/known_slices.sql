-- grain: slice of a database that was taken in or lies staged, as cut by $watermark
-- reason: where a pull goes on, and which slices have other content than before
SELECT load_id, status, unit, fingerprint, pulled_with, received_at, watermark_after, watermark_upto
FROM landing.loads
WHERE source = $source AND watermark = $watermark AND status IN ('staged', 'accepted')
ORDER BY load_id;
