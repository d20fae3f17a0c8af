"""The command line. Exit 0: done, 1: failed, 2: wrong use, 3: held.

Everything slow is imported inside the commands, so that `resegment --help` is quick.
"""

import os
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from flows.commands.shared import app
from flows.ending import end_silently, ending_on_signals
from flows.json_text import json_text

for _kind in (
    "audiences",
    "backfilling",
    "dashboards",
    "erasing",
    "looking",
    "nights",
    "quarantining",
    "reporting",
    "serving",
    "setting_up",
    "upkeep",
    "versions",
):
    import_module(f"flows.commands.{_kind}")

#: What `--help` lists, in this order.
_SECTIONS = {
    "Every night": ("nightly", "status", "refit", "serve"),
    "When something is to be decided": ("promote", "rollback", "quarantine", "backfill", "erase"),
    "Look at what is published": ("report", "dashboard", "sql", "diff", "export", "flat"),
    "Check and keep": ("verify", "compare", "backup", "restore", "compact"),
    "To begin with": ("config", "demo", "fetch"),
}


class _Sections(TyperGroup):
    """Commands by what somebody came for, one line each."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the command; with --json, wrong use is told as JSON too."""
        as_json = "--json" in (*ctx._protected_args, *ctx.args)
        try:
            return super().invoke(ctx)
        except TyperException as error:
            if as_json and getattr(error, "exit_code", 1) == 2:
                typer.echo(json_text({"status": "wrong use", "error": error.format_message()}))
            raise

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        for heading, names in _SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(f"{name:<10}", self.commands[name].short_help) for name in names])


def main() -> None:
    """Entry point of the command `resegment`.

    Taking the interpreter apart piece by piece costs a night a third of a second and says nothing new, so it ends at
    once; only Prefect has to send what it still holds.
    """
    end_silently()
    try:
        with ending_on_signals():
            app()
    except SystemExit as ended:
        if "prefect" in sys.modules or not isinstance(ended.code, int | None):
            raise
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.code or 0)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"resegment {version('resegment')}")
        raise typer.Exit


@app.callback(cls=_Sections)
def resegment(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Re-segments a shop's customers every night and publishes versioned segment tables.

    Exit codes: 0 done, 1 failed, 2 wrong use, 3 a version was held back for a person to judge.
    """


if __name__ == "__main__":
    main()
