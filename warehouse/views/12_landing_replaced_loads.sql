-- grain: staged load x accepted load whose place it takes
-- inputs: landing.loads
-- reason: a file takes the place of the same file, and read again as it was only its own; a slice of a database that of
--   all slices it overlaps, because borders move with the rows, and of all that were cut by another watermark
CREATE OR REPLACE VIEW landing.replaced_loads AS
SELECT staged.load_id, former.load_id AS replaced_load_id
FROM landing.loads AS staged
JOIN landing.loads AS former ON former.source = staged.source AND former.unit = staged.unit
WHERE staged.status = 'staged' AND former.status = 'accepted' AND staged.watermark IS NULL
    AND staged.replaces_load_id IS NOT NULL
    AND (former.load_id = staged.replaces_load_id OR staged.fingerprint NOT IN (
        SELECT fingerprint FROM landing.loads WHERE load_id = staged.replaces_load_id AND fingerprint IS NOT NULL
    ))
UNION ALL
SELECT staged.load_id, former.load_id
FROM landing.loads AS staged
JOIN landing.loads AS former ON former.source = staged.source AND former.watermark IS NOT NULL
WHERE staged.status = 'staged' AND former.status = 'accepted' AND staged.watermark IS NOT NULL AND (
    former.watermark <> staged.watermark
    OR (former.watermark_upto IS NULL AND staged.watermark_upto IS NULL)
    OR (former.watermark_upto IS NOT NULL AND staged.watermark_upto IS NOT NULL
        AND (staged.watermark_after IS NULL OR staged.watermark_after < former.watermark_upto)
        AND (former.watermark_after IS NULL OR former.watermark_after < staged.watermark_upto))
);
