-- Versions of past dates: how their model was chosen, what they took the place of, and which of them the lines of later
-- deliveries contradict.

ALTER TABLE segments.versions ADD COLUMN model_mode VARCHAR;             -- given or replay: see tasks/ranges.py; null: a night's
ALTER TABLE segments.versions ADD COLUMN chain_from DATE;                -- replay: the date its chain of models begins
ALTER TABLE segments.versions ADD COLUMN restates_version_id INTEGER;    -- made again with the same model from later knowledge
ALTER TABLE segments.versions ADD COLUMN superseded_at TIMESTAMP;
ALTER TABLE segments.versions ADD COLUMN pruned_at TIMESTAMP;            -- its directory goes after the grace period

-- grain: accepted batch that changed invoices; days before first_shop_day say the same as before
CREATE TABLE sales.changes (
    ledger_revision BIGINT NOT NULL,
    first_shop_day DATE NOT NULL,
    last_shop_day DATE NOT NULL,
    customers BIGINT NOT NULL,
    invoices BIGINT NOT NULL
);
