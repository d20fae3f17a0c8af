"""`resegment verify`: opens the warehouse as a writer does, so that nothing moves while it compares."""

from pathlib import Path
from typing import Any

from flows.settings import load_settings
from tasks.verification import verify_warehouse


def run_verification(config: Path | None) -> list[dict[str, Any]]:
    """Compare every table with its rebuild; one row a table with its differing rows."""
    settings = load_settings(config).settings
    return verify_warehouse(settings.warehouse, settings.source)
