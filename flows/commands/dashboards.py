"""The dashboard in the browser."""

from typing import Annotated

import typer

from flows.commands.shared import Config, command, explained


@command()
def dashboard(
    port: Annotated[int, typer.Option(min=1, max=65_535, metavar="PORT", help="Port to listen on.")] = 8501,
    address: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Address to listen on; others than this machine's own show customers."),
    ] = "127.0.0.1",
    config: Config = None,
) -> None:
    """Show the published versions in the browser, until stopped."""
    from flows.dashboard_server import serve_dashboard

    with explained(as_json=False):
        serve_dashboard(config, address, port)
