-- inputs: landing.closed_days
-- reason: lines of closed days are gone, so nothing of those days can be computed from lines again
CREATE OR REPLACE MACRO landing.is_open(day) AS day >= (
    SELECT coalesce(max(before_day), DATE '0001-01-01') FROM landing.closed_days
);
