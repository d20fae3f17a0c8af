-- grain: version; the one being published counts as published, the one of the same date it follows as superseded
SELECT v.version_id, v.as_of, CASE
        WHEN v.version_id = $version_id THEN 'published'
        WHEN v.status = 'published' AND v.as_of = this.as_of THEN 'superseded' ELSE v.status END AS status,
    v.model_id, m.action, v.trigger, m.as_of > v.as_of AS hindsight, v.chain_from, v.restates_version_id,
    v.as_of <> this.as_of AND v.version_id IN (SELECT version_id FROM segments.affected) AS restatable,
    v.customers, v.not_segmented,
    CASE WHEN c.version_id IS NULL THEN v.moved ELSE c.moved END AS moved,
    v.silhouette, v.silhouette_sample, v.inertia, v.smallest_share,
    v.meaning_shift, v.moved_share, v.moved_idle_share, v.drift, array_to_string(v.held_reasons, '; ') AS held_reasons,
    CASE WHEN c.version_id IS NULL THEN v.previous_version_id ELSE c.previous_version_id END AS previous_version_id, v.created_at
FROM segments.versions AS v
JOIN models.models AS m USING (model_id)
JOIN (FROM segments.versions WHERE version_id = $version_id) AS this ON true
LEFT JOIN shared.moved_counts AS c ON c.version_id = v.version_id
WHERE v.status <> 'candidate' OR v.version_id = $version_id
ORDER BY v.version_id
