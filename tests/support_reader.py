"""A reader of published versions in a process of its own, until its standard input ends; prints what it saw."""

import json
import select
import sys
from pathlib import Path

from warehouse import reading
from warehouse.errors import NothingPublishedError

WHOLE = """
SELECT (SELECT count(*) FROM customer_segments), (SELECT sum(customers) FROM segment_profiles),
    (SELECT count(*) FROM customer_segments_history WHERE valid_to IS NULL OR valid_to > this.as_of),
    (SELECT list(DISTINCT version_id) FROM customer_segments), (SELECT list(DISTINCT version_id) FROM segment_profiles),
    [this.version_id], (SELECT count(*) FROM data_dictionary)
FROM (FROM segment_versions ORDER BY version_id DESC LIMIT 1) AS this
"""
serving = Path(sys.argv[1])
reads, kept_reads, versions, failures, kept = 0, 0, set(), [], None
while True:
    try:
        with reading.open_current(serving) as connection:
            row = connection.execute(WHOLE).fetchall()[0]
        customers, profiled, members, *numbers, words = row
        assert customers == profiled == members > 0, row
        assert numbers[0] == numbers[1] == numbers[2], row
        assert words > 0
        versions.add(numbers[0][0])
        reads += 1
        if kept is None:
            kept, first = reading.open_current(serving), None
        again = kept.execute(WHOLE).fetchall()
        first = first or again
        assert again == first, (first, again)
        kept_reads += 1
    except NothingPublishedError:
        if reads:
            failures.append("nothing is published any more")
    except Exception as error:
        failures.append(repr(error))
    if select.select([sys.stdin], [], [], 0.01)[0]:
        break
print(json.dumps({"reads": reads, "kept": kept_reads, "versions": sorted(versions), "failures": failures[:5]}))  # noqa: T201
