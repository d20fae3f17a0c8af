"""A night's model: fitted anew or moved a little from its parent, with segments that keep their key, name and colour.

SQL goes out and small columns come back through a `Query` handed in, so nothing here knows what runs it.
"""

import hashlib
import json
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.choosing import choose_k
from segmentation.drift import TrainingBins, bin_counts, bin_counts_sql, bin_edges, bin_edges_sql, training_bins
from segmentation.kmeans import Fit, Summary, fit_kmeans, summary_from_columns, update_kmeans
from segmentation.lifecycle import identify
from segmentation.params import FeatureParams, ModelParams, params_fingerprint
from segmentation.recipe import Action, Parent, Query, Recipe, Row
from segmentation.silhouette import Quality, silhouette_begun
from segmentation.transforms import Scaler, bounds_sql, moments_sql, scaler_from_moments, summary_sql


@dataclass(frozen=True)
class Trained:
    """A model as a row (see `warehouse.models`) and as the values that assign with it; centroids are (k, d).

    The row has no silhouette: `quality` may still be measured; see `with_quality`.
    """

    row: Row
    quality: "Future[Quality]"
    scaler: Scaler
    centroids: NDArray[np.float64]
    bins: TrainingBins


def train_model(
    query: Query, relation: str, recipe: Recipe, parent: Parent | None, action: Action, *, keys_only: bool = False
) -> Trained:
    """Fit a model on `relation`, or carry its parent on: `update` moves the centroids, `assign` keeps them.

    A refit with `keys_only` takes its segments' keys and names from the parent, but neither starts from it nor counts
    as its child. Raises SegmentationError if there are no customers or a feature is not finite.
    """
    kept = parent if action != "refit" else None
    scaler = kept.scaler if kept else fit_scaler(query, relation, recipe.features, recipe.model)
    summary = _summary(query, relation, scaler, recipe.model)
    fit, searched, reason = (
        _carried_on(summary, kept, recipe, action)
        if kept
        else _refit(summary, scaler, None if keys_only else parent, recipe)
    )
    bins = kept.bins if kept else _training_bins(query, relation, scaler)
    model = recipe.model
    known = next(((one["silhouette"], one["silhouette_sample"]) for one in searched if one["chosen"]), None)
    quality = (
        _known(known)
        if known
        else silhouette_begun(summary, fit.labels, sample_size=model.silhouette_sample, seed=model.seed)
    )
    clusters, lineage = identify(query, relation, scaler, fit, recipe, parent, action)
    sizes = np.bincount(fit.labels, weights=summary.weights, minlength=fit.k).astype(int).tolist()
    row = _described(recipe, parent, action, scaler, summary, fit) | {
        "k_reason": reason,
        "training_bins": bins.model_dump_json(),
        "clusters": [
            cluster | {"cluster": number, "centroid": fit.centroids[number].tolist(), "training_customers": size}
            for number, (cluster, size) in enumerate(zip(clusters, sizes, strict=True))
        ],
        "lineage": lineage,
        **({"parent_model_id": None} if keys_only else {}),
        "k_search": searched or [_only_k(fit, sizes)],
    }
    return Trained(row, quality, scaler, fit.centroids, bins)


def with_quality(row: Row, quality: Quality) -> Row:
    """A model's row with its silhouette, which is that of the only k too where no other was tried."""
    measured = dict(zip(("silhouette", "silhouette_sample"), quality, strict=True))
    return row | measured | {"k_search": [measured | tried for tried in row["k_search"]]}


def _known(quality: Quality) -> "Future[Quality]":
    known: Future[Quality] = Future()
    known.set_result(quality)
    return known


def count_bins(query: Query, relation: str, scaler: Scaler, bins: TrainingBins) -> dict[str, list[int]]:
    """Customers of `relation` in each bin of each feature."""
    counts = bin_counts(query(bin_counts_sql(scaler, bins.edges, relation)), bins.edges)
    return {name: one.tolist() for name, one in counts.items()}


def fit_scaler(query: Query, relation: str, features: FeatureParams, model: ModelParams) -> Scaler:
    """Limits, mean and standard deviation of each input over the customers of `relation`.

    Raises SegmentationError if there are no customers or a feature is not finite.
    """
    asked = bounds_sql(features, model, relation)
    bounds = _first_row(query, asked) if asked else None
    moments = _first_row(query, moments_sql(features, model, bounds, relation))
    return scaler_from_moments(features, model, bounds, moments)


def _summary(query: Query, relation: str, scaler: Scaler, model: ModelParams) -> Summary:
    customers = int(_first_row(query, f"SELECT count(*) AS customers FROM {relation}")["customers"])
    exact = customers <= model.exact_up_to
    return summary_from_columns(query(summary_sql(scaler, model.cell_width, relation, exact=exact)), scaler)


def _refit(summary: Summary, scaler: Scaler, parent: Parent | None, recipe: Recipe) -> tuple[Fit, list[Row], str]:
    model = recipe.model
    previous = parent.centroids_in(scaler) if parent is not None and recipe.follows(parent) else None
    if model.k == "auto":
        found = choose_k(
            summary, model.k_search.ks, seed=model.seed, n_init=model.n_init, previous=previous, rule=model.k_search,
            silhouette_sample=model.silhouette_sample,
        )  # fmt: skip
        return found.fit, [asdict(candidate) for candidate in found.candidates], found.reason
    fit = fit_kmeans(summary, model.k, seed=model.seed, n_init=model.n_init, previous=previous)
    fewer = f", but there are only {fit.k} different customers" if fit.k < model.k else ""
    return fit, [], f"k = {model.k} is configured{fewer}"


def _carried_on(summary: Summary, parent: Parent, recipe: Recipe, action: Action) -> tuple[Fit, list[Row], str]:
    iterations = recipe.model.update_iterations if action == "update" else 0
    return update_kmeans(summary, parent.centroids, iterations=iterations), [], parent.k_reason


def _training_bins(query: Query, relation: str, scaler: Scaler) -> TrainingBins:
    edges = bin_edges(query(bin_edges_sql(scaler, relation)), scaler)
    return training_bins(edges, bin_counts(query(bin_counts_sql(scaler, edges, relation)), edges))


def _only_k(fit: Fit, sizes: list[int]) -> Row:
    return {
        "k": fit.k,
        "inertia": fit.inertia,
        "smallest_share": min(sizes) / sum(sizes),
        "is_elbow": False,
        "chosen": True,
    }


def _described(
    recipe: Recipe, parent: Parent | None, action: Action, scaler: Scaler, summary: Summary, fit: Fit
) -> Row:
    content = summary.centers.tobytes() + summary.weights.tobytes()
    params = {"features": recipe.features.model_dump(mode="json"), "model": recipe.model.model_dump(mode="json")}
    return {
        "parent_model_id": parent.model_id if parent else None,
        "epoch": (parent.epoch + (0 if recipe.follows(parent) else 1)) if parent else 1,
        "action": action,
        "refitted": recipe.as_of if parent is None or action == "refit" else parent.refitted,
        "params": json.dumps(params),
        "params_fingerprint": params_fingerprint(recipe.features, recipe.model),
        "scaler": scaler.model_dump_json(),
        "training_fingerprint": hashlib.sha256(content).hexdigest()[:16],
        "training_customers": summary.customers,
        "training_cells": len(summary.weights),
        "inertia": fit.inertia,
        "seed": recipe.model.seed,
        "library_versions": _library_versions(),
    }


@cache
def _library_versions() -> str:
    return json.dumps({name: version(name) for name in ("scikit-learn", "numpy", "duckdb")})


def _first_row(query: Query, sql: str) -> dict[str, Any]:
    row = {name: column.tolist()[0] for name, column in query(sql).items()}
    return {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in row.items()}
