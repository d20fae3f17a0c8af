-- grain: merged-away customer and whom it was merged into; not yet followed to the end of its chain
-- inputs: merge_lines
CREATE OR REPLACE TEMP TABLE merge_pairs AS
SELECT DISTINCT customer_id, merged_id FROM merge_lines WHERE customer_id IS NOT NULL;
CREATE OR REPLACE TEMP TABLE given_merges AS FROM merge_pairs;
