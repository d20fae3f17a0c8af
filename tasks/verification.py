"""The step that proves incremental equal to a rebuild."""

from dataclasses import asdict
from typing import Any

from tasks.wrapper import task
from warehouse import store
from warehouse.errors import WarehouseError
from warehouse.params import SourceParams, WarehouseParams
from warehouse.verify import verify
from warehouse.verify_history import verify_history


@task
def verify_warehouse(params: WarehouseParams, source: SourceParams) -> list[dict[str, Any]]:
    """Rebuild what follows from the lines, and the history from the published files; count the rows that differ.

    Raises WarehouseError if there is no warehouse yet.
    """
    if not params.path.exists():
        raise WarehouseError(f"There is no warehouse at {params.path} yet. Run `resegment nightly` first.")
    with store.writing(params, "verify"), store.opened(params) as warehouse:
        return [asdict(comparison) for comparison in [*verify(warehouse, source), *verify_history(warehouse)]]
