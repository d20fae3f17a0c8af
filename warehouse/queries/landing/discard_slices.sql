-- reason: staged slices that are read anew
DELETE FROM landing.staged_lines WHERE load_id IN (SELECT unnest($loads));
DELETE FROM landing.loads WHERE status = 'staged' AND load_id IN (SELECT unnest($loads));
