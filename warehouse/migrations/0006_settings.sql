-- What the settings were that a version was made with, so that a changed one can be named with its value before; and
-- lines that go after so many years, while their invoices stay.

-- grain: fingerprint of settings, as segments.versions.params_fingerprint
CREATE TABLE ops.settings (
    fingerprint VARCHAR NOT NULL,
    settings JSON NOT NULL,              -- by section; texts of files as digests
    first_used TIMESTAMP NOT NULL
);

-- grain: one row once lines went: the days before it are closed, what was made of their lines stays as it is
CREATE TABLE landing.closed_days (
    before_day DATE NOT NULL             -- always the first of a month
);

-- grain: load x outcome, of lines that went; they stay counted
CREATE TABLE landing.expired (
    load_id INTEGER NOT NULL,
    outcome VARCHAR NOT NULL,
    lines BIGINT NOT NULL,
    amount DECIMAL(18, 4) NOT NULL
);

-- lines that were delivered for closed days: counted, kept nowhere
ALTER TABLE landing.loads ADD COLUMN closed_lines BIGINT DEFAULT 0;
ALTER TABLE landing.loads ADD COLUMN closed_amount DECIMAL(18, 4) DEFAULT 0;
