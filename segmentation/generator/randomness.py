"""Random numbers that belong to a thing instead of to a place in a stream: hashes of its identity."""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)


def mixed(values: Hashes) -> Hashes:
    """Finaliser of SplitMix64 (Steele, Lea, Flood 2014): 64 well-mixed bits per value."""
    result = values + _STEP
    scratch = result >> np.uint64(30)
    result ^= scratch
    result *= np.uint64(0xBF58476D1CE4E5B9)
    np.right_shift(result, np.uint64(27), out=scratch)
    result ^= scratch
    result *= np.uint64(0x94D049BB133111EB)
    np.right_shift(result, np.uint64(31), out=scratch)
    result ^= scratch
    return result


def combined(hashes: Hashes, numbers: NDArray[np.integer]) -> Hashes:
    """Hash of (thing, number): number 0 .. 2**63 inside the thing that already has a hash."""
    return mixed(hashes + numbers.astype(np.uint64) * _STEP)


def bits(hashes: Hashes, offset: int, width: int) -> NDArray[np.int64]:
    """`width` bits of each hash from bit `offset`, as an index into a table of 2**width entries."""
    return ((hashes >> np.uint64(offset)) & np.uint64((1 << width) - 1)).view(np.int64)


def uniform(hashes: Hashes) -> NDArray[np.float64]:
    """Numbers in [0, 1) from the upper 53 bits."""
    return (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal_quantiles(count: int) -> NDArray[np.float64]:
    """Standard normal quantiles at the middles of `count` equal shares: a table to draw from by index."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((number + 0.5) / count) for number in range(count)])


def table_of_shares(weights: NDArray[np.float64], width: int) -> NDArray[np.int32]:
    """Table of 2**width indices in which index i takes a part proportional to weights[i]."""
    edges = np.cumsum(weights) / weights.sum()
    middles = (np.arange(1 << width) + 0.5) / (1 << width)
    return np.minimum(np.searchsorted(edges, middles), len(weights) - 1).astype(np.int32)
