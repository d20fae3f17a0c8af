-- grain: quarantined line that a staged replay brings again, sound this time
-- reason: it has left the quarantine of the load it was delivered with, which still counts it
CREATE OR REPLACE TEMP TABLE replayed AS
SELECT former.load_id, former.line_number
FROM landing.loads AS replay
JOIN landing.staged_lines AS staged ON staged.load_id = replay.load_id
JOIN landing.quarantine AS former ON former.load_id = replay.replays_load_id AND former.line_number = staged.line_number
WHERE replay.status = 'staged';
UPDATE landing.quarantine SET outcome = 'replayed' FROM replayed
WHERE quarantine.load_id = replayed.load_id AND quarantine.line_number = replayed.line_number;
