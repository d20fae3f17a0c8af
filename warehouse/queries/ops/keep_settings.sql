-- grain: fingerprint
-- reason: a fingerprint only tells that something changed; a person is told what, and what it was before
INSERT INTO ops.settings
SELECT $fingerprint, $settings, $now
WHERE $fingerprint NOT IN (SELECT fingerprint FROM ops.settings);
