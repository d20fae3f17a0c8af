"""A client of published files that knows nothing of us: opens `current` until its input ends, then tells what it saw.

    support_client.py SERVING again     connects anew for every look
    support_client.py SERVING keep      connects once and looks again and again

A file named after these gets the version of each look as a line, for whoever waits for one.

A look is (begun, ended, version) by a monotonic clock all processes share; the version is False if the tables do not
agree on which it is, or on what must add up between them.
"""

import json
import select
import sys
import time

import duckdb

#: Every table that says which version or date it is of, and whatever must add up between tables.
LOOK = """
SELECT
    (SELECT min(version_id) FROM customer_segments),
    list_unique(list_value(
        (SELECT min(version_id) FROM customer_segments), (SELECT max(version_id) FROM customer_segments),
        (SELECT min(version_id) FROM segment_profiles), (SELECT max(version_id) FROM segment_profiles),
        (SELECT max(version_id) FROM segment_profiles_history), (SELECT max(version_id) FROM segment_versions)
    )) = 1
    AND list_unique(list_value(
        (SELECT min(as_of) FROM customer_segments), (SELECT max(as_of) FROM customer_segments),
        (SELECT max(as_of) FROM segment_profiles), (SELECT max(as_of) FROM segment_profiles_history),
        (SELECT max(as_of) FROM segment_versions), (SELECT max(as_of) FROM sales_monthly),
        (SELECT min(as_of) FROM rfm_heatmap), (SELECT max(as_of) FROM sales_by_country)
    )) = 1
    AND list_unique(list_value(
        (SELECT count(*) FROM customer_segments), (SELECT sum(customers)::BIGINT FROM segment_profiles),
        (SELECT arg_max(customers, version_id) FROM segment_versions),
        (SELECT sum(customers)::BIGINT FROM rfm_heatmap), (SELECT sum(customers)::BIGINT FROM segment_countries),
        (SELECT count(*) FROM customer_segments_history WHERE valid_to IS NULL)
    )) = 1
    AND (SELECT sum(sales) FROM sales_monthly) = (SELECT sum(sales) FROM sales_by_country)
    AND (SELECT bool_and(customer_id = 'c' || (version_id % 7) OR starts_with(customer_id, 'always '))
         FROM customer_segments)
"""
file, keeps = f"{sys.argv[1]}/current/segments.duckdb", sys.argv[2] == "keep"
looks, failures, kept = [], [], None
while True:
    begun = time.monotonic()
    try:
        connection = kept or duckdb.connect(file, read_only=True, config={"threads": 1})
        version, agrees = connection.execute(LOOK).fetchall()[0]
        looks.append((begun, time.monotonic(), version if agrees else False))
        for seen in sys.argv[3:]:
            with open(seen, "a") as lines:  # noqa: PTH123 - several clients append to one
                lines.write(f"{version}\n")
        if keeps:
            kept = connection
        else:
            connection.close()
    except Exception as error:
        failures.append(repr(error))
    if len(looks) + len(failures) == 1:
        print("looked", flush=True)  # noqa: T201
    if select.select([sys.stdin], [], [], 10 * (time.monotonic() - begun))[0]:  # leave the machine to the publisher
        break
print(json.dumps({"looks": looks, "failures": failures}))  # noqa: T201
