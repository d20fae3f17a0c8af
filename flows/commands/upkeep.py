"""Keep the private warehouse in order, outside the night."""

from flows.commands.shared import Config, Json, command, explained, show


@command()
def compact(config: Config = None, as_json: Json = False) -> None:
    """Rewrite the private warehouse file to give back space it no longer uses.

    A copy is made beside it, compared table by table and put in its place; as much free disk as the warehouse uses is
    needed meanwhile. Readers of published versions notice nothing.
    """
    from flows.settings import load_settings
    from tasks.upkeep import compact_warehouse

    with explained(as_json):
        found = compact_warehouse(load_settings(config).settings.warehouse)
        show("show_compacted", found, as_json, module="showing_upkeep")
