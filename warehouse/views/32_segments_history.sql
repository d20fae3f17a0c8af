-- grain: date with a version that was published and not superseded
-- inputs: segments.versions
-- reason: membership and movements of a pruned version stay when its directory goes, so its neighbours are still its own
CREATE OR REPLACE VIEW segments.history AS
FROM segments.versions WHERE status = 'published' OR (status = 'pruned' AND superseded_at IS NULL);

-- grain: published version that lines accepted since then contradict
-- inputs: segments.versions, sales.changes
-- reason: a change of a day touches every later date; the versions before it say the same as before
CREATE OR REPLACE VIEW segments.affected AS
SELECT v.* FROM segments.versions AS v
SEMI JOIN sales.changes AS c ON c.ledger_revision > v.ledger_revision AND c.first_shop_day < v.as_of
WHERE status = 'published';
