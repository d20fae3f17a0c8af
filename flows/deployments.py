"""The flows as Prefect deploys them: the same functions, with a name and nothing else.

The entrypoints of `prefect.yaml` and `resegment serve` are imported by name, so that a shop's folder needs no code; the
package has to be installed where the worker runs.
"""

import logging
from typing import Any

from prefect import Flow, flow

import flows.backfill
import flows.nightly
from flows.ending import end_silently, outlive_readers

# A worker sets no level, so that what the steps say would stop at the root logger's WARNING.
logging.getLogger("resegment").setLevel(logging.INFO)
end_silently()
outlive_readers()

nightly = flow(name="nightly", persist_result=False)(flows.nightly.nightly)
backfill = flow(name="backfill", persist_result=False)(flows.backfill.backfill)

#: By name: the flow and the parameters it always has. `prefect.yaml` says the same for a work pool.
DEPLOYMENTS: dict[str, tuple[Flow[..., Any], dict[str, Any]]] = {
    "nightly": (nightly, {}),
    "weekly-refit": (nightly, {"refit": True}),
    "backfill": (backfill, {}),
}
