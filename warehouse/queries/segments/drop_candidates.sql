-- reason: a run that was stopped before publishing leaves a candidate nobody has seen; the next run makes it again
CREATE OR REPLACE TEMP TABLE left_over AS SELECT version_id, model_id FROM segments.versions WHERE status = 'candidate';
DELETE FROM segments.assignments WHERE version_id IN (SELECT version_id FROM left_over);
DELETE FROM segments.map_points WHERE version_id IN (SELECT version_id FROM left_over);
DELETE FROM segments.map_axes WHERE version_id IN (SELECT version_id FROM left_over);
DELETE FROM segments.sizes WHERE version_id IN (SELECT version_id FROM left_over);
DELETE FROM segments.drift WHERE version_id IN (SELECT version_id FROM left_over);
DELETE FROM segments.versions WHERE status = 'candidate';
CREATE OR REPLACE TEMP TABLE orphans AS
SELECT model_id FROM left_over WHERE model_id NOT IN (SELECT model_id FROM segments.versions);
DELETE FROM models.k_search WHERE model_id IN (FROM orphans);
DELETE FROM models.lineage WHERE model_id IN (FROM orphans);
DELETE FROM models.clusters WHERE model_id IN (FROM orphans);
DELETE FROM models.models WHERE model_id IN (FROM orphans);
