-- Totals that the published tables need and that must not cost a scan of all lines, and the profiles of past versions.

-- grain: shop_day x country, of lines that count for sales, with a customer or without one
CREATE TABLE sales.daily (
    shop_day DATE NOT NULL,
    country VARCHAR,
    purchase_lines BIGINT NOT NULL,
    purchases DECIMAL(18, 4) NOT NULL,
    return_lines BIGINT NOT NULL,
    returns DECIMAL(18, 4) NOT NULL,      -- zero or negative
    unattributed_lines BIGINT NOT NULL,
    unattributed DECIMAL(18, 4) NOT NULL, -- sales and returns of nobody known
    items DECIMAL(18, 4) NOT NULL         -- of the purchases
);

-- grain: month x product, of the same lines
CREATE TABLE sales.product_months (
    month DATE NOT NULL,
    product VARCHAR NOT NULL,
    description VARCHAR,                  -- of the latest line that has one
    lines BIGINT NOT NULL,                -- of goods sold
    items DECIMAL(18, 4) NOT NULL,        -- sold
    sales DECIMAL(18, 4) NOT NULL,        -- less returns
    first_day DATE NOT NULL,
    last_day DATE NOT NULL
);

-- grain: customer x product bought at least once
CREATE TABLE sales.customer_products (
    customer_id VARCHAR NOT NULL,
    product VARCHAR NOT NULL,
    first_purchase_day DATE NOT NULL      -- so that one row serves any date
);

INSERT INTO sales.daily
SELECT shop_day, country,
    count(*) FILTER (outcome = 'purchase'), coalesce(sum(amount) FILTER (outcome = 'purchase'), 0),
    count(*) FILTER (outcome = 'return'), coalesce(sum(amount) FILTER (outcome = 'return'), 0),
    count(*) FILTER (outcome = 'unattributed'), coalesce(sum(amount) FILTER (outcome = 'unattributed'), 0),
    coalesce(sum(quantity) FILTER (outcome = 'purchase'), 0)
FROM sales.transaction_lines WHERE outcome IN ('purchase', 'return', 'unattributed') GROUP BY shop_day, country;

INSERT INTO sales.product_months
SELECT date_trunc('month', shop_day), product, max(ROW(invoiced_at, description)) FILTER (description IS NOT NULL)[2],
    count(*) FILTER (quantity > 0), coalesce(sum(quantity) FILTER (quantity > 0), 0), sum(amount), min(shop_day), max(shop_day)
FROM sales.transaction_lines
WHERE outcome IN ('purchase', 'return', 'unattributed') AND product IS NOT NULL GROUP BY ALL;

INSERT INTO sales.customer_products
SELECT customer_id, product, min(shop_day)
FROM sales.transaction_lines WHERE outcome = 'purchase' AND product IS NOT NULL GROUP BY customer_id, product;

-- grain: version x segment; versions of before this migration have only what is known of their sizes
CREATE TABLE segments.profiles (
    version_id INTEGER NOT NULL,
    segment_key INTEGER NOT NULL,
    customers BIGINT NOT NULL,
    share DOUBLE,
    mean_recency_days DOUBLE,
    mean_frequency DOUBLE,
    mean_monetary DOUBLE,
    mean_average DOUBLE,
    median_recency_days DOUBLE,
    median_frequency DOUBLE,
    median_monetary DOUBLE,
    median_average DOUBLE,
    revenue DECIMAL(18, 4),
    revenue_share DOUBLE,
    orders BIGINT,
    average_order_value DOUBLE,
    average_customer_value DOUBLE,
    repeat_rate DOUBLE,
    active_30_days DOUBLE,
    active_90_days DOUBLE,
    return_rate DOUBLE,
    top_countries VARCHAR
);

INSERT INTO segments.profiles BY NAME
SELECT version_id, segment_key, customers, customers / nullif(sum(customers) OVER (PARTITION BY version_id), 0) AS share
FROM segments.sizes SEMI JOIN (FROM segments.versions WHERE status IN ('published', 'superseded')) USING (version_id);

-- grain: version x sampled customer, without an id, for the current version and held ones
CREATE TABLE segments.map_points (
    version_id INTEGER NOT NULL,
    segment_key INTEGER NOT NULL,
    x DOUBLE NOT NULL,
    y DOUBLE,
    z DOUBLE,
    standardised DOUBLE[] NOT NULL
);

-- grain: version x axis x input of the model, for the current version and held ones
CREATE TABLE segments.map_axes (
    version_id INTEGER NOT NULL,
    axis VARCHAR NOT NULL,
    input VARCHAR NOT NULL,
    loading DOUBLE NOT NULL,
    variance_share DOUBLE NOT NULL,
    sampled_customers BIGINT NOT NULL,
    customers BIGINT NOT NULL
);
