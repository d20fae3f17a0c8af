-- Ids and numbers of invoices are looked through for those of a night's customers: a tenth of that time went into unpacking
-- them. Plain they take some 10 MB more for a million customers.

CREATE TABLE features.plain_activity (
    customer_id VARCHAR USING COMPRESSION uncompressed NOT NULL,
    first_purchase_day DATE,             -- ignores the window
    last_purchase_day DATE,              -- null: returns only
    frequency BIGINT NOT NULL,
    gross DECIMAL(18, 4) NOT NULL,
    returned DECIMAL(18, 4) NOT NULL,
    net DECIMAL(18, 4) NOT NULL,
    purchase_lines BIGINT NOT NULL,
    return_lines BIGINT NOT NULL,
    items DECIMAL(18, 4) NOT NULL,
    active_months BIGINT NOT NULL,
    country VARCHAR,                     -- of the latest invoice
    greatest_invoice VARCHAR USING COMPRESSION uncompressed  -- length and number; of purchases
);
INSERT INTO features.plain_activity BY NAME FROM features.customer_activity;
DROP TABLE features.customer_activity;
ALTER TABLE features.plain_activity RENAME TO customer_activity;
