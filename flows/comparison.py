"""`resegment compare`: other recipes beside the one in use, on the same customers; publishes nothing."""

from datetime import date
from pathlib import Path
from typing import Any

from flows.planning import plan_night
from tasks.comparison import compare_recipes


def run_comparison(as_of: date | None, sample: int, config: Path | None, pictures: Path | None) -> dict[str, Any]:
    """Figures of each recipe on a sample of the customers of a date, and where the page of pictures is."""
    return compare_recipes(plan_night("compare", as_of, False, config), as_of, sample, pictures)
