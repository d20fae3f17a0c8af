-- Customers the shop has merged. Lines keep the customer they were delivered with; invoices are of the merged one.

-- grain: merged-away customer; chains are followed to their end
CREATE TABLE sales.customer_merges (
    customer_id VARCHAR NOT NULL,        -- as delivered
    merged_id VARCHAR NOT NULL           -- the customer it is now; never merged away itself
);

-- Quarantined lines that came again sound, in a load of their own: they have left the quarantine, and stay counted where
-- they were delivered with the outcome 'replayed'.
ALTER TABLE landing.loads ADD COLUMN replays_load_id INTEGER;            -- the load whose quarantined lines this one brings
ALTER TABLE landing.loads ADD COLUMN replayed_lines BIGINT DEFAULT 0;
ALTER TABLE landing.loads ADD COLUMN replayed_amount DECIMAL(18, 4) DEFAULT 0;

-- grain: source: the rules its lines were judged by and read with; a warehouse of before has none until its next night
CREATE TABLE landing.rules (
    source VARCHAR NOT NULL,
    duplicates VARCHAR,                  -- how lines without a line_id are compared; null: not known
    reading JSON                         -- settings that made texts into lines; null: not known
);
