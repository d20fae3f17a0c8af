"""How many segments: candidates measured side by side, and one stated rule that picks among them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from segmentation.errors import SegmentationError
from segmentation.kmeans import Fit, fit_kmeans, squared_distances
from segmentation.measures import adjusted_rand_index, calinski_harabasz, davies_bouldin
from segmentation.params import KSearchParams
from segmentation.silhouette import silhouettes
from segmentation.summary import Floats, Summary

_GRID_WIDTH, _GRID_FROM = 0.1, 2_000


@dataclass(frozen=True)
class KCandidate:
    """What was measured for one number of segments; None where a measure is not defined.

    `inertia` is in squared standard deviations, `silhouette_sample` and the share's base are customers, `stability`
    is a mean adjusted Rand index (1: every resample gives the same segments).
    """

    k: int
    inertia: float
    silhouette: float | None
    silhouette_sample: int
    calinski_harabasz: float | None
    davies_bouldin: float | None
    stability: float
    smallest_share: float
    is_elbow: bool
    chosen: bool = False


@dataclass(frozen=True)
class KSearch:
    """The candidates by growing k, the number that was chosen, why, in plain words, and its fit."""

    candidates: tuple[KCandidate, ...]
    chosen: int
    reason: str
    elbow: int | None
    fit: Fit


def choose_k(
    summary: Summary,
    ks: Iterable[int],
    *,
    seed: int,
    n_init: int,
    previous: Floats | None = None,
    rule: KSearchParams,
    silhouette_sample: int = 10_000,
) -> KSearch:
    """Fit and measure every k of `ks` and choose one.

    The rule: candidates count that are not before the elbow of the inertia, whose smallest segment has at least
    `min_share` of the customers and whose stability is at least `min_stability`. Of them, the smallest k whose
    silhouette is within `tolerance` of the best; the number of segments in use (`previous` centroids, (k, d)) stays if
    it is as good. Without the elbow two coarse groups would nearly always win. If no candidate counts, the smallest
    within `tolerance` of the most stable is taken, of those with large enough segments if there are any.

    With fewer distinct points than a k, that k becomes the number of distinct points. Raises SegmentationError if `ks`
    is empty or has a number below 1.
    """
    asked = sorted(set(ks))
    if not asked or asked[0] < 1:
        raise SegmentationError(f"cannot try {asked} segments; name at least one number, from 1 up")
    fits = _fits(summary, asked, seed=seed, n_init=n_init, previous=previous)
    stability = _stabilities(summary, fits, seed=seed, n_init=n_init, resamples=rule.bootstraps)
    elbow = _elbow(summary, fits, seed=seed, n_init=n_init)
    quality = silhouettes(summary, [fit.labels for fit in fits.values()], sample_size=silhouette_sample, seed=seed)
    measured = [
        _measured(summary, fit, stability[k], is_elbow=k == elbow, quality=found)
        for (k, fit), found in zip(fits.items(), quality, strict=True)
    ]
    chosen, reason = pick_k(measured, rule, previous_k=None if previous is None else len(previous))
    candidates = tuple(replace(candidate, chosen=candidate.k == chosen) for candidate in measured)
    return KSearch(candidates, chosen, reason, elbow, fits[chosen])


def pick_k(candidates: list[KCandidate], rule: KSearchParams, *, previous_k: int | None = None) -> tuple[int, str]:
    """The k that the rule of `choose_k` takes among measured candidates, and the reason in plain words."""
    elbow = next((candidate.k for candidate in candidates if candidate.is_elbow), 0)
    large = [candidate for candidate in candidates if candidate.smallest_share >= rule.min_share]
    steady = [candidate for candidate in large if candidate.stability >= rule.min_stability and candidate.k >= elbow]
    if not steady:
        return _most_stable(large or candidates, rule, any_large=bool(large))
    best = max(steady, key=_score)
    good = [candidate for candidate in steady if _score(candidate) >= _score(best) - rule.tolerance]
    kept = next((candidate for candidate in good if candidate.k == previous_k), None)
    chosen = kept or good[0]
    counted = f"of the numbers with stable and large enough segments ({', '.join(str(one.k) for one in steady)})"
    if elbow:
        counted += f", from the elbow of the inertia at {elbow} up"
    if chosen.silhouette is None:
        return chosen.k, f"{_segments(chosen.k)}: the only number left {counted}"
    quality = f"silhouette {chosen.silhouette:.3f}, stability {chosen.stability:.2f}"
    if kept and kept is not good[0]:
        return chosen.k, f"{_segments(chosen.k)} as before ({quality}): as good as any {counted}"
    if chosen is best:
        return chosen.k, f"{_segments(chosen.k)} ({quality}): the best silhouette {counted}"
    compared = f"within {rule.tolerance:g} of the best, {best.silhouette:.3f} with {best.k}"
    return chosen.k, f"{_segments(chosen.k)} ({quality}): the fewest {compared}, {counted}"


def _most_stable(candidates: list[KCandidate], rule: KSearchParams, *, any_large: bool) -> tuple[int, str]:
    best = max(candidate.stability for candidate in candidates)
    chosen = next(candidate for candidate in candidates if candidate.stability >= best - rule.tolerance)
    lacking = f"segments of {rule.min_share:.0%} of the customers or more"
    if any_large:
        lacking += f" and stability {rule.min_stability:g} from the elbow of the inertia up"
    scope = " of those with large enough segments" if any_large else ""
    return chosen.k, (
        f"{_segments(chosen.k)} (stability {chosen.stability:.2f}): no number tried has {lacking}, so it is the fewest "
        f"within {rule.tolerance:g} of the most stable{scope}"
    )


def _score(candidate: KCandidate) -> float:
    return -1.0 if candidate.silhouette is None else candidate.silhouette


def _segments(k: int) -> str:
    return "1 segment" if k == 1 else f"{k} segments"


def _fits(summary: Summary, ks: list[int], *, seed: int, n_init: int, previous: Floats | None) -> dict[int, Fit]:
    """Fits by the k they really have."""
    fits: dict[int, Fit] = {}
    for k in ks:
        fit = fit_kmeans(summary, k, seed=seed, n_init=n_init, previous=previous)
        fits.setdefault(fit.k, fit)
        if fit.k < k:
            break
    return dict(sorted(fits.items()))


def _measured(
    summary: Summary, fit: Fit, stability: float, *, is_elbow: bool, quality: tuple[float | None, int]
) -> KCandidate:
    value, customers = quality
    return KCandidate(
        k=fit.k,
        inertia=fit.inertia,
        silhouette=value,
        silhouette_sample=customers,
        calinski_harabasz=calinski_harabasz(summary, fit.labels),
        davies_bouldin=davies_bouldin(summary, fit.labels),
        stability=stability,
        smallest_share=float(np.bincount(fit.labels, weights=summary.weights).min() / summary.customers),
        is_elbow=is_elbow,
    )


def _stabilities(summary: Summary, fits: dict[int, Fit], *, seed: int, n_init: int, resamples: int) -> dict[int, float]:
    """Mean adjusted Rand index, over the customers, between each fit and the fits of bootstrap resamples.

    The resamples are fitted from nothing, as the fit itself was. Started from the fit's own centroids they would stay
    near them and hide that other segments are just as good. Many distinct points are put on a grid first: for the
    agreement of two groupings a tenth of a standard deviation is fine enough.
    """
    cells = summary.on_grid(_GRID_WIDTH) if len(summary.weights) > _GRID_FROM else summary
    own = {k: squared_distances(cells.centers, fit.centroids).argmin(axis=1) for k, fit in fits.items()}
    found: dict[int, list[float]] = {k: [] for k in fits}
    starts = max(1, n_init // 2)
    for number in range(resamples):
        weights = np.random.default_rng([seed, number]).multinomial(cells.customers, cells.weights / cells.customers)
        drawn = weights > 0
        resample = Summary(cells.centers[drawn], weights[drawn])
        for k in fits:
            refit = fit_kmeans(resample, k, seed=seed + number + 1, n_init=starts)
            labels = squared_distances(cells.centers, refit.centroids).argmin(axis=1)
            found[k].append(adjusted_rand_index(own[k], labels, cells.weights))
    return {k: float(np.mean(indices)) for k, indices in found.items()}


def _elbow(summary: Summary, fits: dict[int, Fit], *, seed: int, n_init: int) -> int | None:
    """Knee of the inertia by Kneedle; the curve starts one k earlier, so that the first candidate can be it.

    Never with one segment though: the fall to two is so deep that it would hide any other bend. The knee depends on
    the range of the curve. Satopaa et al. (2011), doi 10.1109/ICDCSW.2011.20.
    """
    from kneed import KneeLocator

    before = min(fits) - 1
    curve = {before: fit_kmeans(summary, before, seed=seed, n_init=n_init).inertia} if before > 1 else {}
    curve |= {k: fit.inertia for k, fit in fits.items() if k > 1}
    if len(curve) < 3 or max(curve.values()) <= min(curve.values()):
        return None
    knee = KneeLocator(list(curve), list(curve.values()), curve="convex", direction="decreasing").knee
    return None if knee is None or knee not in fits else int(knee)
