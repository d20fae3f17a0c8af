"""The flows as Prefect deploys them: the same functions, with a name and nothing else.

The entrypoints of `prefect.yaml` and `resegment serve` are imported by name, so that a shop's folder needs no code; the
package has to be installed where the worker runs.
"""

import logging

from prefect import flow

import flows.backfill
import flows.nightly
from flows.ending import end_silently

# A worker sets no level, so that what the steps say would stop at the root logger's WARNING.
logging.getLogger("resegment").setLevel(logging.INFO)
end_silently()

nightly = flow(name="nightly", persist_result=False)(flows.nightly.nightly)
backfill = flow(name="backfill", persist_result=False)(flows.backfill.backfill)
