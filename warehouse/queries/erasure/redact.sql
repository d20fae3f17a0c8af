-- inputs: gone
-- reason: messages and the examples of checks quote values; a text in which an id stands alone goes as a whole. A mere
--   number is a count.
CREATE OR REPLACE TEMP TABLE naming AS
SELECT DISTINCT text
FROM (
    SELECT observed AS text FROM ops.checks UNION SELECT error FROM ops.runs UNION SELECT error FROM landing.loads
)
JOIN gone ON contains(text, gone.customer_id)
WHERE NOT regexp_full_match(text, '[-+0-9.,% ]*')
    AND regexp_matches(text, '(^|[^0-9A-Za-z])' || regexp_escape(gone.customer_id) || '($|[^0-9A-Za-z])');
UPDATE ops.checks SET observed = '(removed: it named an erased customer)' WHERE observed IN (FROM naming);
UPDATE ops.runs SET error = '(removed: it named an erased customer)' WHERE error IN (FROM naming);
UPDATE landing.loads SET error = '(removed: it named an erased customer)' WHERE error IN (FROM naming);
