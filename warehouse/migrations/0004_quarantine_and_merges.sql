-- Customers the shop has merged. Lines keep the customer they were delivered with; invoices are of the merged one.

-- grain: merged-away customer; chains are followed to their end
CREATE TABLE sales.customer_merges (
    customer_id VARCHAR NOT NULL,        -- as delivered
    merged_id VARCHAR NOT NULL           -- the customer it is now; never merged away itself
);
