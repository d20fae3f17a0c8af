-- Deliveries that are slices of a database: where each begins and ends on the source's watermark.
-- Watermarks are whole numbers, so that slices compare alike whatever the column's type: microseconds since 1970 for
-- times and dates, the value itself for numbers.
ALTER TABLE landing.loads ADD COLUMN watermark VARCHAR;          -- column and kind of its values; null: a file
ALTER TABLE landing.loads ADD COLUMN watermark_after BIGINT;     -- null: from the first row
ALTER TABLE landing.loads ADD COLUMN watermark_upto BIGINT;      -- null: the rows without a watermark
ALTER TABLE landing.loads ADD COLUMN pulled_with VARCHAR;        -- fingerprint of the source's settings
