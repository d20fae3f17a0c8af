"""Customer activity: kept for one date by recomputing only the customers that changed, and the RFM features from it."""

from datetime import date

from warehouse.store import Warehouse


def advance(warehouse: Warehouse, as_of: date, window_days: int | None, *, accepted: bool) -> date:
    """Bring `features.customer_activity` to `as_of`, or leave its date if it is later already; return its date.

    Runs inside the caller's transaction. With `accepted`, the customers in the temporary table `touched_customers` are
    recomputed as well and the ledger's revision is counted up.
    """
    state = warehouse.select("SELECT as_of, window_days FROM features.state")
    target = max(as_of, state[0]["as_of"]) if state else as_of
    if not accepted:
        warehouse.execute("CREATE OR REPLACE TEMP TABLE touched_customers (customer_id VARCHAR)")
    if not state or state[0]["window_days"] != window_days:
        warehouse.run("features/rebuild", as_of=target, window_days=window_days)
    else:
        warehouse.run("features/advance", as_of=target, old_as_of=state[0]["as_of"], window_days=window_days)
    warehouse.run("features/set_state", as_of=target, window_days=window_days, accepted=accepted)
    return target


def is_current(warehouse: Warehouse, as_of: date, window_days: int | None) -> bool:
    """Whether the stored activity is the one of exactly this date and window."""
    state = warehouse.select("SELECT as_of, window_days FROM features.state")
    return bool(state) and (state[0]["as_of"], state[0]["window_days"]) == (as_of, window_days)


def prepare(warehouse: Warehouse, as_of: date, window_days: int | None, money: str) -> int:
    """Make the temporary tables `rfm` (money as DECIMAL) and `features` (the model's inputs); return how many customers.

    The stored activity serves its own date; for any other date the same definition is computed from the invoices.
    """
    stored = is_current(warehouse, as_of, window_days)
    warehouse.run("features/rfm_stored" if stored else "features/rfm_computed", as_of=as_of, window_days=window_days)
    warehouse.run("features/inputs", net=money == "net")
    return int(warehouse.value("SELECT count(*) FROM features"))
