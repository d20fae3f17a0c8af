-- What the settings were that a version was made with, so that a changed one can be named with its value before.

-- grain: fingerprint of settings, as segments.versions.params_fingerprint
CREATE TABLE ops.settings (
    fingerprint VARCHAR NOT NULL,
    settings JSON NOT NULL,              -- by section; texts of files as digests
    first_used TIMESTAMP NOT NULL
);
