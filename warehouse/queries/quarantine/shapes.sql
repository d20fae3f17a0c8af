-- grain: columns that lines were delivered with x ending of their files, which tells how numbers were written
-- inputs: tried_lines
SELECT names, ending, count(*) AS lines FROM tried_lines GROUP BY names, ending ORDER BY ALL;
