-- What published tables tell of months that are over: made when it is asked for, gone when a day of them or before changes.

-- grain: month x month of the customers' first purchase
CREATE TABLE sales.month_cohorts (
    month DATE NOT NULL,
    cohort DATE NOT NULL,
    customers BIGINT NOT NULL,            -- with a purchase in the month
    orders BIGINT NOT NULL,
    net DECIMAL(18, 4) NOT NULL
);

-- grain: month x country
CREATE TABLE sales.month_countries (
    month DATE NOT NULL,
    country VARCHAR,
    orders BIGINT NOT NULL
);

-- grain: month x segment, by where the customers were in the month's last version
CREATE TABLE segments.month_sums (
    version_id INTEGER NOT NULL,
    month DATE NOT NULL,
    segment_key INTEGER NOT NULL,
    active_customers BIGINT NOT NULL,     -- with a purchase in the month
    orders BIGINT NOT NULL,
    purchases DECIMAL(18, 4) NOT NULL,
    net DECIMAL(18, 4) NOT NULL,
    active_before BIGINT NOT NULL,        -- with a purchase in the month before
    retained BIGINT NOT NULL              -- with one in both
);
