"""Everything that is measured of one shop, kept beside it so that it need not be measured again."""

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import fit, processes
from benchmarks.report import machine
from benchmarks.scale import recompute
from benchmarks.scale.recompute import Recomputed
from benchmarks.scale.shop import Loaded, ScaledShop, Taken
from segmentation.params import Transform

#: Name of a shop and its lines.
SIZES = {"1m": 1_000_000, "10m": 10_000_000, "100m": 100_000_000}
#: Lines of the batch that shops of all sizes get: an average night of the smallest.
SAME_BATCH = 1_370
REPETITIONS = 5


@dataclass(frozen=True)
class Fitted:
    """Seconds of fits and of assignments of all customers by name; inertia above scikit-learn's, as a share of it."""

    seconds: dict[str, list[float]]
    inertia: dict[str, float]
    assignment: dict[str, list[float]]


@dataclass(frozen=True)
class Measured:
    """One shop: nights with the batch that all shops get and with 1/730 of its lines, and what else is compared."""

    name: str
    facts: dict[str, Any]
    loaded: Loaded
    same: list[Taken]
    share: list[Taken]
    statements: dict[str, list[dict[str, Any]]]
    recomputed: dict[str, Recomputed]
    recomputed_same: Recomputed
    fitted: Fitted


def measure(shop: ScaledShop, *, again: bool = False, repetitions: int = REPETITIONS) -> Measured:
    """Measure a shop, unless that was done and `again` is off; the nights are those of a copy."""
    told = shop.folder / "measured.json"
    if again or not told.exists():
        found = _measure(shop, repetitions)
        told.write_text(json.dumps(asdict(found), indent=1))
    return _parsed(json.loads(told.read_text()))


def _measure(shop: ScaledShop, repetitions: int) -> Measured:
    loaded, facts = shop.load(), machine()
    with shop.nights() as nights:
        same = [nights.run(SAME_BATCH) for _ in range(repetitions)]
        statements = {"same": nights.statements(SAME_BATCH)}
        recomputed_same = recompute.measure_incremental(nights.folder, repetitions)
        share = [nights.run(shop.nightly_lines) for _ in range(repetitions)]
        statements["share"] = nights.statements(shop.nightly_lines)
        recomputed = recompute.measure(nights.folder, shop.lines, repetitions)
        fitted = _fitted(nights.folder, loaded.customers, repetitions)
    return Measured(shop.name, facts, loaded, same, share, statements, recomputed, recomputed_same, fitted)


def _fitted(folder: Path, customers: int, repetitions: int) -> Fitted:
    version = folder / "serving" / "current" / "segments.duckdb"
    with tempfile.TemporaryDirectory(dir=folder) as work:
        found = fit.measure(
            Path(work), customers=customers, published=version, transforms=(Transform.WINSORIZE,),
            repetitions=repetitions, ks=range(3, 9),
        )  # fmt: skip
    ways = found.fits[Transform.WINSORIZE.value]
    full = ways["scikit-learn KMeans"].inertia
    return Fitted(
        seconds={name: way.seconds for name, way in ways.items()},
        inertia={name: way.inertia / full - 1 for name, way in ways.items()},
        assignment={name: assigned.seconds for name, assigned in found.assigned.items()},
    )


def _parsed(found: dict[str, Any]) -> Measured:
    def process(row: dict[str, Any]) -> processes.Ended:
        return processes.Ended(**row)

    nights = {kind: [Taken(process(one["process"]), one["steps"]) for one in found[kind]] for kind in ("same", "share")}
    return Measured(
        name=found["name"],
        facts=found["facts"],
        loaded=Loaded(**found["loaded"] | {"process": process(found["loaded"]["process"])}),
        same=nights["same"],
        share=nights["share"],
        statements=found["statements"],
        recomputed={way: Recomputed(**one) for way, one in found["recomputed"].items()},
        recomputed_same=Recomputed(**found["recomputed_same"]),
        fitted=Fitted(**found["fitted"]),
    )
