-- grain: one row
-- reason: the date, window and ledger revision for which the activity is valid change with it
CREATE OR REPLACE TEMP TABLE next_state AS
SELECT $as_of AS as_of, $window_days AS window_days,
    coalesce((SELECT ledger_revision FROM features.state), 0) + CASE WHEN $accepted THEN 1 ELSE 0 END AS ledger_revision;
DELETE FROM features.state;
INSERT INTO features.state FROM next_state;
