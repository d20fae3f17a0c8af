-- Erasure of customers. What keeps them out for good is a keyed hash; the key is a file outside the warehouse.

CREATE SCHEMA erasure;

-- lines of erased customers: counted when they were delivered or erased, their content is kept nowhere
ALTER TABLE landing.loads ADD COLUMN erased_lines BIGINT DEFAULT 0;
ALTER TABLE landing.loads ADD COLUMN erased_amount DECIMAL(18, 4) DEFAULT 0;

-- grain: request to erase customers
CREATE TABLE erasure.requests (
    erasure_id INTEGER NOT NULL,
    requested_at TIMESTAMP NOT NULL,
    requested_by VARCHAR NOT NULL,       -- user and host
    customers BIGINT NOT NULL,
    rows_removed JSON NOT NULL,          -- table of the warehouse -> rows
    finished_at TIMESTAMP                -- null: files that hold the customers' bytes are still to be replaced
);

-- grain: erased customer; the hash is HMAC-SHA256 of the id
CREATE TABLE erasure.customers (
    customer_hash VARCHAR NOT NULL,
    erasure_id INTEGER NOT NULL
);

-- grain: one row once there is a key: the keyed hash of a fixed text, by which another key is told
CREATE TABLE erasure.key_check (
    keyed_hash VARCHAR NOT NULL
);

-- grain: published version rewritten by an erasure
CREATE TABLE erasure.revisions (
    erasure_id INTEGER NOT NULL,
    version_id INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    revised_at TIMESTAMP NOT NULL,
    rows_removed JSON NOT NULL           -- table of the published file -> rows
);

-- grain: customer whose bytes are still in some file; left out when the warehouse's own file is replaced, which is last
CREATE TABLE erasure.pending (
    erasure_id INTEGER NOT NULL,
    customer_id VARCHAR NOT NULL
);

-- grain: text that only lines of pending customers had: a product, a description or a country
CREATE TABLE erasure.pending_texts (
    erasure_id INTEGER NOT NULL,
    text VARCHAR NOT NULL
);

-- grain: movement of a pending customer; what its published totals are lessened by
CREATE TABLE erasure.pending_movements (
    version_id INTEGER NOT NULL,
    customer_id VARCHAR NOT NULL,
    from_segment_key INTEGER,
    to_segment_key INTEGER,
    net_365_days DECIMAL(18, 4) NOT NULL
);
