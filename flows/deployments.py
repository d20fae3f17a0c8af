"""The flows as Prefect deploys them: the same functions, with a name and nothing else.

Loaded by file, as `prefect.yaml` does, or imported; the package has to be installed, the working directory may be any.
"""

import logging

from prefect import flow

import flows.backfill
import flows.nightly

# A worker sets no level, so that what the steps say would stop at the root logger's WARNING.
logging.getLogger("resegment").setLevel(logging.INFO)

nightly = flow(name="nightly", persist_result=False)(flows.nightly.nightly)
backfill = flow(name="backfill", persist_result=False)(flows.backfill.backfill)
