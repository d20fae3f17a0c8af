-- grain: revision of a published version
-- reason: the record comes before the folder; a revision that was stopped is made again under the same number
DELETE FROM erasure.revisions WHERE version_id = $version AND revision = $revision;
INSERT INTO erasure.revisions
SELECT max(erasure_id), $version, $revision, $now, $rows FROM erasure.pending;
