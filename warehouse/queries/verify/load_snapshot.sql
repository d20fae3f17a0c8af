-- grain: segmented customer of one published version, as its file has it
-- inputs: the file, attached as published_version
CREATE OR REPLACE TEMP TABLE snapshot AS
SELECT customer_id, segment_key FROM published_version.customer_segments;
