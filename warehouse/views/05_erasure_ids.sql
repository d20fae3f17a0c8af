-- reason: one definition of how an id is written and hashed, for what is erased and for what is delivered later. HMAC is
--   spelled out, since DuckDB has none: both pads are the key, filled up to 64 bytes, xor 0x36 and 0x5c.
CREATE OR REPLACE MACRO erasure.id_of(text) AS regexp_replace(trim(text), '^([0-9]+)\.0+$', '\1');
CREATE OR REPLACE MACRO erasure.keyed_hash(id, inner_pad, outer_pad) AS
    sha256(CAST(outer_pad AS BLOB) || unhex(sha256(CAST(inner_pad AS BLOB) || encode(id))));
CREATE OR REPLACE MACRO erasure.is_erased(id, inner_pad, outer_pad) AS
    erasure.keyed_hash(id, inner_pad, outer_pad) IN (SELECT customer_hash FROM erasure.customers);
