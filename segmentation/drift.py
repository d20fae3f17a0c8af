"""How far today's customers are from those a model was trained on, as population stability indices."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict

from segmentation.errors import SegmentationError
from segmentation.summary import Floats, Integers
from segmentation.transforms import Scaler, literal_sql, standardised_sql

#: Smaller shares count as this one, so that an empty bin weighs much but not infinitely much.
SMALLEST_SHARE = 1e-4

Edges = Mapping[str, tuple[float, ...]]


class FeatureBins(BaseModel):
    """Bins of one standardised feature and the shares of the training customers in them.

    Bin i holds the values above `edges[i - 1]` up to and including `edges[i]`; the first and the last are open.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    feature: str
    edges: tuple[float, ...]
    shares: tuple[float, ...]


class TrainingBins(BaseModel):
    """Bins of all features; stored with a model as JSON, which brings back the very same floats."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: tuple[FeatureBins, ...]

    @property
    def edges(self) -> dict[str, tuple[float, ...]]:
        """Edges by feature, for `bin_counts_sql`."""
        return {bins.feature: bins.edges for bins in self.features}


def bin_edges_sql(scaler: Scaler, relation: str, *, bins: int = 10) -> str:
    """Query of one row for `bin_edges`: the quantiles of each standardised feature that part `bins` equal bins.

    Over the customers, not over the cells of the summary: of a skewed feature one cell may hold a third of them.
    """
    shares = ", ".join(repr(number / bins) for number in range(1, bins))
    quantiles = [f"quantile_disc(z{index}, [{shares}]) AS q{index}" for index in range(len(scaler.names))]
    ends = [f"min(z{index}) AS least{index}, max(z{index}) AS greatest{index}" for index in range(len(scaler.names))]
    columns = []
    for index, name in enumerate(scaler.names):
        columns += [f"q{index}[{number}] AS {name}_{number - 1}" for number in range(1, bins)]
        columns += [f"least{index} AS {name}_least", f"greatest{index} AS {name}_greatest"]
    return (
        f"WITH standardised AS ({standardised_sql(scaler, relation)}), "
        f"measured AS (SELECT {', '.join(quantiles + ends)} FROM standardised) "
        f"SELECT {', '.join(columns)} FROM measured"
    )


def bin_edges(columns: Mapping[str, NDArray[Any]], scaler: Scaler, *, bins: int = 10) -> dict[str, tuple[float, ...]]:
    """Edges of at most `bins` bins per feature, in standard deviations, from the columns of `bin_edges_sql`.

    Equal values share a bin, so a frequent one may have a bin to itself. A constant feature gets a bin on either side,
    half a standard deviation away, or its drift would go unseen.
    """
    return {
        name: _edges(
            [float(columns[f"{name}_{number}"][0]) for number in range(bins - 1)],
            float(columns[f"{name}_least"][0]),
            float(columns[f"{name}_greatest"][0]),
        )
        for name in scaler.names
    }


def _edges(quantiles: list[float], least: float, greatest: float) -> tuple[float, ...]:
    if least == greatest:
        return least - 0.5, greatest + 0.5
    inner = sorted({value for value in quantiles if value < greatest})
    return tuple(inner) or ((least + greatest) / 2,)


def bin_counts_sql(scaler: Scaler, edges: Edges, relation: str) -> str:
    """Query of one row for `bin_counts`: `customers` and, per feature and edge i, `<feature>_<i>`, those not above."""
    columns = ["count(*) AS customers"]
    for index, name in enumerate(scaler.names):
        columns += [
            f"count(*) FILTER (z{index} <= {literal_sql(edge)}) AS {name}_{number}"
            for number, edge in enumerate(edges[name])
        ]
    return f"WITH standardised AS ({standardised_sql(scaler, relation)}) SELECT {', '.join(columns)} FROM standardised"


def bin_counts(columns: Mapping[str, NDArray[Any]], edges: Edges) -> dict[str, Integers]:
    """Customers per bin of each feature (bins,), from the columns of `bin_counts_sql`."""
    customers = int(columns["customers"][0])
    return {
        name: np.diff([0, *(int(columns[f"{name}_{number}"][0]) for number in range(len(inner))), customers])
        for name, inner in edges.items()
    }


def training_bins(edges: Edges, counts: Mapping[str, Integers]) -> TrainingBins:
    """Bins with the shares of the training customers, counted by the same SQL as later ones will be.

    So the index of the training customers themselves is exactly 0. Raises SegmentationError if there are none.
    """
    return TrainingBins(
        features=tuple(
            FeatureBins(feature=name, edges=inner, shares=tuple(_shares(counts[name]).tolist()))
            for name, inner in edges.items()
        )
    )


def feature_drift(bins: TrainingBins, counts: Mapping[str, Integers]) -> dict[str, float]:
    """Population stability index of each feature, given today's customers per bin."""
    return {one.feature: psi(one.shares, counts[one.feature]) for one in bins.features}


def psi(expected_shares: ArrayLike, observed_counts: ArrayLike) -> float:
    """Population stability index: the sum of (observed - expected) * ln(observed / expected) over the shares (bins,).

    Shares below `SMALLEST_SHARE` count as that. By convention below 0.1 is stable and above 0.25 a shift (Siddiqi,
    Credit Risk Scorecards, 2006). For shares of segments the bins are the segments. Raises SegmentationError if the
    numbers of bins differ or nobody was observed.
    """
    expected, observed = np.asarray(expected_shares, dtype=np.float64), _shares(observed_counts)
    if expected.shape != observed.shape:
        raise SegmentationError(
            f"{expected.size} expected shares but {observed.size} observed counts; count with the model's own bins"
        )
    expected, observed = (np.maximum(shares, SMALLEST_SHARE) for shares in (expected, observed))
    return float(((observed - expected) * np.log(observed / expected)).sum())


def _shares(counts: ArrayLike) -> Floats:
    array = np.asarray(counts, dtype=np.float64)
    if not array.sum() > 0:
        raise SegmentationError("there are no customers to compare with the training data; load transactions first")
    shares: Floats = array / array.sum()
    return shares
