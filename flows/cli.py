"""The command line. Exit 0: done, 1: failed, 2: wrong use, 3: held.

Everything slow is imported inside the commands, so that `resegment --help` is quick.
"""

import os
import sys
from importlib import import_module
from typing import Annotated

import typer

from flows.commands.shared import app
from flows.ending import end_silently

#: In the order of the list that `--help` prints.
for _kind in (
    "nights",
    "serving",
    "backfilling",
    "versions",
    "quarantining",
    "looking",
    "audiences",
    "dashboards",
    "reporting",
    "upkeep",
    "erasing",
    "setting_up",
):
    import_module(f"flows.commands.{_kind}")


def main() -> None:
    """Entry point of the command `resegment`.

    Taking the interpreter apart piece by piece costs a night a third of a second and says nothing new, so it ends at
    once; only Prefect has to send what it still holds.
    """
    end_silently()
    try:
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


@app.callback()
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
