"""The flows as Prefect deploys them: the same functions, with a name and nothing else."""

from prefect import flow

import flows.nightly

nightly = flow(name="nightly", persist_result=False)(flows.nightly.nightly)
