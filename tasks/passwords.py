"""The password of a source: read where it is needed, kept nowhere."""

import os

from tasks.wrapper import inside_flow_run
from warehouse.errors import DeliveryError
from warehouse.params import SourceKind, SourceParams


def source_password(source: SourceParams) -> str | None:
    """The password of a database from the named Prefect secret block or environment variable; None if there is none.

    Raises
    ------
    DeliveryError
        A secret block is named and this is no flow run, or there is no such block.
    """
    if source.kind is not SourceKind.DATABASE:
        return None
    block = source.database.password_secret
    if not block:
        return os.environ.get(source.database.password_env)
    if not inside_flow_run():
        raise DeliveryError(
            f"[source.database] password_secret = {block!r} needs a Prefect API: set PREFECT_API_URL, or leave it out "
            f"and set the environment variable {source.database.password_env}."
        )
    from prefect.blocks.system import Secret

    try:
        return str(Secret.load(block).get())  # type: ignore[union-attr]
    except ValueError as error:
        raise DeliveryError(
            f"There is no Prefect secret block {block!r}, which [source.database] password_secret names."
        ) from error
