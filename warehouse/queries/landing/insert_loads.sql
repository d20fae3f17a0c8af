-- grain: one delivery
-- inputs: $loads, a list of rows
-- reason: the ledger rows come with the lines, in one transaction, so that neither is ever alone
INSERT INTO landing.loads BY NAME SELECT unnest($loads, recursive := true);
