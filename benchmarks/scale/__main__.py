"""What a first load, a night and everything it is made of cost, and how that grows with the history.

    python -m benchmarks.scale --size 10m

Shops of up to the given size are measured one after the other in one session; what was generated and loaded before is
taken from the cache. `benchmarks/README.md` gets the table.
"""

import argparse
import os
from pathlib import Path

from benchmarks import sections
from benchmarks.scale import report
from benchmarks.scale.measuring import SIZES, measure
from benchmarks.scale.shop import ScaledShop

README = Path(__file__).parents[1] / "README.md"


def main() -> None:
    """Measure, print the tables and put them into `benchmarks/README.md`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__.split("\n")[0])
    parser.add_argument("--size", choices=SIZES, default="10m", help="lines of the largest shop")
    default = os.environ.get("RESEGMENT_BENCH_CACHE") or Path.home() / ".cache" / "resegment-bench"
    parser.add_argument("--cache", type=Path, default=Path(default), help="folder of the shops; 100m takes 25 GB")
    parser.add_argument("--reload", action="store_true", help="load the shops again, though they are in the cache")
    parser.add_argument("--keep", action="store_true", help="take what was measured before from the cache as well")
    given = parser.parse_args()
    measured = []
    for name in list(SIZES)[: list(SIZES).index(given.size) + 1]:
        shop = ScaledShop(given.cache, name, SIZES[name])
        shop.load(again=given.reload)
        measured.append(measure(shop, again=not given.keep))
    text = report.markdown(measured)
    sections.write_section(README, "scale", text)
    print(text)


if __name__ == "__main__":
    main()
