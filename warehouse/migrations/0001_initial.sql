-- The private warehouse as first released. One writer; nobody else connects.
-- No keys or indexes on the large tables: a key makes a small upsert into millions of rows dozens of times slower, so
-- uniqueness is a check of its own. Money is DECIMAL(18,4) and counts are BIGINT wherever they are stored.

CREATE SCHEMA landing;
CREATE SCHEMA sales;
CREATE SCHEMA features;
CREATE SCHEMA models;
CREATE SCHEMA segments;
CREATE SCHEMA ops;

-- grain: one delivery of one unit (a file)
CREATE TABLE landing.loads (
    load_id INTEGER NOT NULL,
    source VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    fingerprint VARCHAR,                 -- sha256 of the delivered bytes
    size_bytes BIGINT,
    modified_ns BIGINT,
    status VARCHAR NOT NULL CHECK (status IN ('staged', 'accepted', 'rejected', 'replaced')),
    error VARCHAR,                       -- why it was rejected
    received_at TIMESTAMP NOT NULL,
    accepted_at TIMESTAMP,
    replaces_load_id INTEGER,
    first_shop_day DATE,
    last_shop_day DATE,                  -- the watermark
    delivered_lines BIGINT NOT NULL DEFAULT 0,
    delivered_amount DECIMAL(18, 4) NOT NULL DEFAULT 0,
    rounded_lines BIGINT NOT NULL DEFAULT 0,   -- lines with digits beyond the columns' scale
    purchase_lines BIGINT NOT NULL DEFAULT 0,
    purchase_amount DECIMAL(18, 4) NOT NULL DEFAULT 0,
    return_lines BIGINT NOT NULL DEFAULT 0,
    return_amount DECIMAL(18, 4) NOT NULL DEFAULT 0,
    unattributed_lines BIGINT NOT NULL DEFAULT 0,
    unattributed_amount DECIMAL(18, 4) NOT NULL DEFAULT 0,
    quarantined_lines BIGINT NOT NULL DEFAULT 0,
    quarantined_amount DECIMAL(18, 4) NOT NULL DEFAULT 0,
    duplicate_lines BIGINT NOT NULL DEFAULT 0,
    duplicate_amount DECIMAL(18, 4) NOT NULL DEFAULT 0
);

-- grain: one delivered line of a delivery that is not accepted yet; empty between runs
CREATE TABLE landing.staged_lines (
    load_id INTEGER NOT NULL,
    line_number BIGINT NOT NULL,
    line_id VARCHAR,
    invoice_no VARCHAR,
    product VARCHAR,
    description VARCHAR,
    quantity DECIMAL(18, 4),
    unit_price DECIMAL(18, 4),
    amount DECIMAL(18, 4),
    invoiced_at TIMESTAMP,
    shop_day DATE,
    customer_id VARCHAR,
    country VARCHAR,
    content_key UBIGINT NOT NULL,
    outcome VARCHAR NOT NULL,            -- before the comparison with other lines: never 'duplicate'
    rounded BOOLEAN NOT NULL,
    reasons VARCHAR[],
    delivered VARCHAR                    -- the line as it came, as JSON; only where there are reasons
);

-- grain: one rejected line; outcome 'quarantined', or 'duplicate' where the same faulty line came before
CREATE TABLE landing.quarantine (
    load_id INTEGER NOT NULL,
    line_number BIGINT NOT NULL,
    line_id VARCHAR,
    invoice_no VARCHAR,
    amount DECIMAL(18, 4),
    content_key UBIGINT NOT NULL,
    outcome VARCHAR NOT NULL,
    rounded BOOLEAN NOT NULL,
    reasons VARCHAR[] NOT NULL,
    delivered VARCHAR NOT NULL
);

-- grain: one well-formed line; outcome 'purchase', 'return', 'unattributed' or 'duplicate'
CREATE TABLE sales.transaction_lines (
    load_id INTEGER NOT NULL,
    line_number BIGINT NOT NULL,
    source VARCHAR NOT NULL,
    line_id VARCHAR,
    invoice_no VARCHAR NOT NULL,
    product VARCHAR,
    description VARCHAR,
    quantity DECIMAL(18, 4) NOT NULL,
    unit_price DECIMAL(18, 4) NOT NULL,
    amount DECIMAL(18, 4) NOT NULL,
    invoiced_at TIMESTAMP NOT NULL,
    shop_day DATE NOT NULL,
    customer_id VARCHAR,
    country VARCHAR,
    content_key UBIGINT NOT NULL,
    outcome VARCHAR NOT NULL,
    rounded BOOLEAN NOT NULL
);

-- grain: source x customer x invoice_no x shop_day; only lines that are purchases or returns of a known customer
CREATE TABLE sales.invoices (
    source VARCHAR NOT NULL,
    customer_id VARCHAR NOT NULL,
    invoice_no VARCHAR NOT NULL,
    shop_day DATE NOT NULL,
    country VARCHAR,
    purchase_lines BIGINT NOT NULL,
    return_lines BIGINT NOT NULL,
    items DECIMAL(18, 4) NOT NULL,
    gross DECIMAL(18, 4) NOT NULL,
    returned DECIMAL(18, 4) NOT NULL     -- zero or negative
);

-- grain: one customer with any invoice before features.state.as_of (inside the window, if one is set)
CREATE TABLE features.customer_activity (
    customer_id VARCHAR NOT NULL,
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
    country VARCHAR                      -- of the latest invoice
);

-- grain: one row: the date for which customer_activity is valid
CREATE TABLE features.state (
    as_of DATE NOT NULL,
    window_days INTEGER,
    ledger_revision BIGINT NOT NULL      -- counts the accepted batches
);

-- grain: model
CREATE TABLE models.models (
    model_id INTEGER NOT NULL,
    parent_model_id INTEGER,
    epoch INTEGER NOT NULL,              -- segments of different epochs cannot be compared
    action VARCHAR NOT NULL CHECK (action IN ('refit', 'update', 'assign')),
    as_of DATE NOT NULL,
    refitted DATE NOT NULL,              -- date of the last refit in its line of parents
    created_at TIMESTAMP NOT NULL,
    params JSON NOT NULL,
    params_fingerprint VARCHAR NOT NULL,
    scaler JSON NOT NULL,
    training_fingerprint VARCHAR NOT NULL,
    training_customers BIGINT NOT NULL,
    training_cells BIGINT NOT NULL,
    inertia DOUBLE NOT NULL,
    silhouette DOUBLE,
    silhouette_sample BIGINT,
    k_reason VARCHAR NOT NULL,           -- why the model has its number of segments
    training_bins JSON NOT NULL,         -- what drift is measured against
    reason_words_sql VARCHAR NOT NULL,   -- expression that puts words in place of the reason codes
    seed BIGINT NOT NULL,
    library_versions JSON NOT NULL
);

-- grain: model x cluster
CREATE TABLE models.clusters (
    model_id INTEGER NOT NULL,
    cluster INTEGER NOT NULL,
    segment_key INTEGER NOT NULL,        -- given at birth, never used again for another segment
    segment_name VARCHAR NOT NULL,
    colour VARCHAR NOT NULL,
    centroid DOUBLE[] NOT NULL,          -- standard deviations, in the order of the scaler's features
    training_customers BIGINT NOT NULL,
    prototype VARCHAR,
    prototype_distance DOUBLE,
    profile VARCHAR NOT NULL,            -- the centroid in words
    actions VARCHAR[] NOT NULL           -- what the playbook suggests
);

-- grain: one event in the life of a segment
CREATE TABLE models.lineage (
    model_id INTEGER NOT NULL,
    event VARCHAR NOT NULL CHECK (event IN ('birth', 'death', 'split', 'merge', 'continued')),
    segment_key INTEGER NOT NULL,
    related_segment_key INTEGER,
    jaccard DOUBLE
);

-- grain: model x candidate k
CREATE TABLE models.k_search (
    model_id INTEGER NOT NULL,
    k INTEGER NOT NULL,
    inertia DOUBLE NOT NULL,
    silhouette DOUBLE,
    silhouette_sample BIGINT,
    calinski_harabasz DOUBLE,
    davies_bouldin DOUBLE,
    stability DOUBLE,                    -- mean adjusted Rand index over bootstrap resamples
    smallest_share DOUBLE NOT NULL,
    is_elbow BOOLEAN NOT NULL,
    chosen BOOLEAN NOT NULL
);

-- grain: segment version
CREATE TABLE segments.versions (
    version_id INTEGER NOT NULL,
    as_of DATE NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('candidate', 'published', 'held', 'superseded', 'withdrawn', 'pruned')),
    model_id INTEGER NOT NULL,
    trigger VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    published_at TIMESTAMP,
    previous_version_id INTEGER,         -- the published version with the next smaller as_of
    ledger_revision BIGINT NOT NULL,
    params_fingerprint VARCHAR NOT NULL,
    customers BIGINT NOT NULL,
    not_segmented BIGINT NOT NULL,
    moved BIGINT,
    silhouette DOUBLE,
    silhouette_sample BIGINT,
    inertia DOUBLE,
    smallest_share DOUBLE,
    meaning_shift DOUBLE,                -- mean shift of matched centroids since the version before, in deviations
    moved_share DOUBLE,                  -- of the customers in both versions
    moved_idle_share DOUBLE,             -- of those that moved: without a transaction in between
    drift DOUBLE,                        -- greatest population stability index against the training data
    feature_counts JSON,                 -- customers in each of the model's bins
    rfm_thresholds JSON,
    held_reasons VARCHAR[]
);

-- grain: version x segment
CREATE TABLE segments.sizes (
    version_id INTEGER NOT NULL,
    segment_key INTEGER NOT NULL,
    customers BIGINT NOT NULL,
    centroid_shift DOUBLE                -- since the version before, in standard deviations; null for a new segment
);

-- grain: version x what drifted: a feature, or 'segment shares'
CREATE TABLE segments.drift (
    version_id INTEGER NOT NULL,
    measure VARCHAR NOT NULL,
    psi_training DOUBLE NOT NULL,        -- population stability index against the training data
    psi_previous DOUBLE                  -- against the version before
);

-- grain: version x grouping: how well it separated what customers did in the days after it
CREATE TABLE segments.quality (
    version_id INTEGER NOT NULL,
    grouping_name VARCHAR NOT NULL,      -- segments, scored_rfm or classic
    horizon_days INTEGER NOT NULL,
    customers BIGINT NOT NULL,
    groups BIGINT NOT NULL,
    spend_explained DOUBLE,
    active_explained DOUBLE,
    top_group VARCHAR,
    top_customer_share DOUBLE,
    top_spend_share DOUBLE
);

-- grain: one row while readers are kept on an older version by hand
CREATE TABLE segments.pin (
    version_id INTEGER NOT NULL,
    pinned_at TIMESTAMP NOT NULL
);

-- grain: version x customer, for the current version and held ones; older snapshots live in their directories
CREATE TABLE segments.assignments (
    version_id INTEGER NOT NULL,
    customer_id VARCHAR NOT NULL,
    segment_key INTEGER NOT NULL,
    distance DOUBLE NOT NULL,            -- standard deviations
    second_segment_key INTEGER,
    second_distance DOUBLE,
    margin DOUBLE,                       -- 0 on the border to the second nearest segment, 1 at the centroid
    borderline BOOLEAN NOT NULL,
    reasons VARCHAR,                     -- codes; words come from a view
    moves_on DATE,                       -- when the segment changes if nothing is bought
    moves_on_segment_key INTEGER,
    r_score TINYINT NOT NULL,
    f_score TINYINT NOT NULL,
    m_score TINYINT NOT NULL,
    rfm_score VARCHAR NOT NULL,
    rfm_segment VARCHAR NOT NULL,
    recency_days BIGINT NOT NULL,
    frequency BIGINT NOT NULL,
    monetary DECIMAL(18, 4) NOT NULL,
    average DECIMAL(18, 4) NOT NULL,
    gross DECIMAL(18, 4) NOT NULL,
    returned DECIMAL(18, 4) NOT NULL,
    first_purchase_day DATE NOT NULL,
    last_purchase_day DATE NOT NULL,
    tenure_days BIGINT NOT NULL,
    days_between_orders DOUBLE,
    return_rate DOUBLE,
    items_per_order DOUBLE NOT NULL,
    active_months BIGINT NOT NULL,
    country VARCHAR
);

-- grain: version x customer whose segment differs from the one in previous_version; entering and leaving have a null end
CREATE TABLE segments.movements (
    version_id INTEGER NOT NULL,
    customer_id VARCHAR NOT NULL,
    from_segment_key INTEGER,
    to_segment_key INTEGER,
    net_365_days DECIMAL(18, 4) NOT NULL
);

-- grain: customer x interval [valid_from, valid_to) of published as_of dates; valid_to is null while it lasts
CREATE TABLE segments.membership (
    customer_id VARCHAR NOT NULL,
    segment_key INTEGER NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE
);

-- grain: run of a command that writes
CREATE TABLE ops.runs (
    run_id VARCHAR NOT NULL,
    command VARCHAR NOT NULL,
    as_of DATE,
    started_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    status VARCHAR NOT NULL,             -- running, done, unchanged, held, failed, crashed
    version_id INTEGER,
    error VARCHAR,
    seconds JSON                         -- step -> seconds
);

-- grain: run x expectation
CREATE TABLE ops.checks (
    run_id VARCHAR NOT NULL,
    suite VARCHAR NOT NULL,
    checked_at TIMESTAMP NOT NULL,
    expectation VARCHAR NOT NULL,
    column_name VARCHAR,
    severity VARCHAR NOT NULL,
    success BOOLEAN NOT NULL,
    observed VARCHAR,
    expected VARCHAR,
    meaning VARCHAR
);

-- grain: one row: what the checks of this run look at
CREATE TABLE ops.run_context (
    run_id VARCHAR NOT NULL,
    as_of DATE NOT NULL
);
