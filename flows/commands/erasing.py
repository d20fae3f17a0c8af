"""Erase customers for good."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.shared import Config, Json, command, explained, show


@command()
def erase(
    customers: Annotated[
        Path | None,
        typer.Option(
            "--customers",
            metavar="FILE",
            help="Customer ids, one a line, or a CSV file with a column customer_id. Without it, a stopped erasure is "
            "finished.",
        ),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only tell what would go, and change nothing.")] = False,
    history: Annotated[bool, typer.Option("--history", help="List the erasures so far; no id is kept.")] = False,
    new_key: Annotated[
        bool,
        typer.Option("--new-key", help="The key is lost: make another; the file names everybody who was ever erased."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Erase customers for good, out of later deliveries too.

    They go out of every table and published file, and nothing brings them back. Backups, exports and the shop's own
    files are not reached; docs/operations.md tells what to do about those.
    """
    from flows.settings import load_settings
    from tasks.erasing import erase_customers, list_erasures, plan_erasure
    from tasks.reporting import report_current

    if new_key and customers is None:
        raise typer.BadParameter("--new-key forgets who was erased: name everybody who ever was with --customers FILE")
    with explained(as_json):
        settings = load_settings(config).settings
        if history:
            show("show_erasures", list_erasures(settings.warehouse), as_json, module="showing_erasure")
            return
        if plan or not yes:
            planned = plan_erasure(settings.warehouse, settings.source, customers, new_key=new_key)
            if plan:
                show("show_erasure_plan", planned, as_json, module="showing_erasure")
                return
            _confirm(planned, as_json)
        found = erase_customers(settings.warehouse, settings.source, customers, new_key=new_key)
        report = report_current(settings.warehouse.serving, settings.report)
        show("show_erasure", found | {"report": report}, as_json, module="showing_erasure")


def on_a_terminal() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty()


def _confirm(planned: dict[str, Any], as_json: bool) -> None:
    """Raises the wrong-use error where nobody can be asked."""
    if as_json or not on_a_terminal():
        raise typer.BadParameter("nobody can be asked here: look at --plan, then say --yes")
    show("show_erasure_plan", planned, as_json=False, module="showing_erasure")
    if planned["new_customers"] or planned["unfinished"]:
        typer.confirm("Erase them for good?", abort=True)
