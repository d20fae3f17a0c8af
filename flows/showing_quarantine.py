"""The quarantine on a terminal."""

import json
from typing import Any

from rich.text import Text

from flows.showing import _console, _counted, _outcome, _table

_OUTCOMES = ("purchase", "return", "unattributed", "duplicate")
_SHOWN_LOADS = 20


def show_quarantine(found: dict[str, Any]) -> None:
    """Counts and money by reason and by load, then single lines with what is wrong with them."""
    console = _console()
    if not found["lines"]:
        console.print("No such line is in the quarantine.")
        return
    reasons = _table("reason", "lines", "amount", "loads", numeric={"lines", "amount", "loads"})
    for row in found["reasons"]:
        reasons.add_row(row["reason"], f"{row['lines']:,}", f"{row['amount']:,.2f}", f"{row['loads']:,}")
    reasons.caption = "a line with several reasons is in each"
    loads = _table("load", "unit", "received", "lines", "of", "amount", numeric={"load", "lines", "of", "amount"})
    for row in found["loads"][-_SHOWN_LOADS:]:
        received = f"{row['received_at']:%Y-%m-%d %H:%M} UTC"
        counts = f"{row['lines']:,}", f"{row['delivered_lines']:,}", f"{row['amount']:,.2f}"
        loads.add_row(str(row["load_id"]), Text(row["unit"]), received, *counts)
    earlier = len(found["loads"]) - _SHOWN_LOADS
    if earlier > 0:
        loads.caption = f"the newest; {_counted(earlier, 'earlier load')} more with --json"
    console.print(reasons, "", loads, "")
    console.print(f"{_counted(found['lines'], 'line')} for {found['amount']:,.2f}")
    for line in found["first_lines"]:
        console.print(f"\nload {line['load_id']} ({line['unit']}) line {line['line']}: {', '.join(line['reasons'])}")
        for name, value in json.loads(line["delivered"]).items():
            console.print(f"  {name}: {'' if value is None else value}", soft_wrap=True)


def show_exported(found: dict[str, Any]) -> None:
    """Where the file is and what can be done with it."""
    console = _console()
    console.print(f"Wrote {_counted(found['lines'], 'line')} to {found['file']}, readable by you only.", soft_wrap=True)
    console.print(
        f"Correct what is wrong there, then `resegment quarantine replay --from {found['file']}`.", soft_wrap=True
    )


def show_replay(outcome: dict[str, Any]) -> None:
    """What became of the lines, or would, and why the others stay."""
    console = _console()
    found = outcome["replay"]
    planned = outcome["status"] == "planned"
    if not found["lines"]:
        console.print("No such line is in the quarantine.")
    elif not found["sound"]:
        console.print(f"{_counted(found['lines'], 'line')} tried again, none is sound. Nothing was changed.")
    else:
        parts = ", ".join(
            _outcome(lines, one) for one in _OUTCOMES if (lines := (found["outcomes"] or {}).get(f"{one}_lines"))
        )
        verb = "would come in" if planned else "came in"
        console.print(f"{found['sound']:,} of {_counted(found['lines'], 'line')} {verb}: {parts}")
    for reason, lines in found["still_faulty"].items():
        console.print(f"  still {reason}: {_counted(lines, 'line')}")
    if found["other_columns"]:
        console.print(f"  delivered with other columns than [source.columns] names now: {found['other_columns']:,}")
    if found["erased"]:
        console.print(f"  of customers who were erased: {found['erased']:,}")
    if found["gone"]:
        console.print(f"  in the file, but not in the quarantine (any more): {found['gone']:,}")
    if found["sound"]:
        console.print("Nothing was changed." if planned else "The next night publishes what this changes.")
