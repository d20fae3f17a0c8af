"""Serve the deployments on one machine."""

from typing import Annotated

import typer

from flows.commands.shared import Config, command, explained


@command()
def serve(
    port: Annotated[
        int, typer.Option(min=1, max=65535, metavar="PORT", help="Where the server is started, on 127.0.0.1.")
    ] = 4200,
    config: Config = None,
) -> None:
    """Run the nights as scheduled in the configuration, until stopped.

    Without PREFECT_API_URL a Prefect server is started on 127.0.0.1 and stopped again; with it that one is used.
    """
    from flows.serving import serve as serve_deployments

    with explained(as_json=False):
        serve_deployments(config, port, lambda line: typer.echo(line, err=True))
