"""What the reports of all benchmarks share: how figures are written, and where in the README they go."""

from pathlib import Path
from statistics import median


def write_section(file: Path, name: str, text: str) -> None:
    """Replace the section between the markers of `name`, or add it at the end."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    old = file.read_text() if file.exists() else "# Benchmarks\n\n"
    before, marker, rest = old.partition(begin)
    after = rest.partition(end)[2].lstrip("\n") if marker else ""
    file.write_text(f"{before.rstrip()}\n\n{begin}\n{text}\n{end}\n" + (f"\n{after}" if after else ""))


def spread(values: list[float]) -> str:
    """The median, with the smallest and largest where there are several."""
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"
