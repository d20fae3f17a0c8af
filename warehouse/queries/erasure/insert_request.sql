-- grain: request; its customers by keyed hash, and by id until their bytes are gone
-- inputs: gone, gone_texts
CREATE OR REPLACE TEMP TABLE this_request AS
SELECT coalesce(max(erasure_id), 0) + 1 AS erasure_id FROM erasure.requests;
INSERT INTO erasure.requests
SELECT erasure_id, $now, $by, (SELECT count(*) FROM gone), $removed, NULL FROM this_request;
INSERT INTO erasure.pending SELECT erasure_id, customer_id FROM this_request CROSS JOIN gone;
INSERT INTO erasure.pending_texts SELECT erasure_id, text FROM this_request CROSS JOIN gone_texts;
INSERT INTO erasure.customers
SELECT erasure.keyed_hash(customer_id, $inner_pad, $outer_pad), erasure_id FROM this_request CROSS JOIN gone
WHERE NOT erasure.is_erased(customer_id, $inner_pad, $outer_pad);
