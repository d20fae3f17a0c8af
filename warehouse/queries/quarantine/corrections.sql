-- grain: line of a corrected export, by the quarantined line it stands for
-- inputs: handed_in with its columns of load and line as texts; asked_lines
-- reason: only what is asked for and in the file is tried again
DELETE FROM asked_lines WHERE (load_id, line_number) NOT IN (SELECT (load_id, line_number) FROM corrections);
SELECT count(*) AS gone FROM corrections
WHERE (load_id, line_number) NOT IN (SELECT (load_id, line_number) FROM asked_lines);
