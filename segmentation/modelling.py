"""A night's model: fitted anew or moved a little from its parent, with segments that keep their key, name and colour.

SQL goes out and small columns come back through a `Query` handed in, so nothing here knows what runs it.
"""

import hashlib
import json
from importlib.metadata import version
from typing import Any

import numpy as np

from segmentation.assign import assign_sql
from segmentation.kmeans import Fit, Summary, fit_kmeans, summary_from_columns, update_kmeans
from segmentation.lifecycle import identify
from segmentation.params import ModelParams, params_fingerprint
from segmentation.recipe import Action, Parent, Query, Recipe, Row
from segmentation.silhouette import silhouette
from segmentation.transforms import Scaler, bounds_sql, moments_sql, scaler_from_moments, summary_sql


def train_model(query: Query, relation: str, recipe: Recipe, parent: Parent | None, action: Action) -> tuple[Row, str]:
    """Fit or update a model on `relation`; return it as a row (see `warehouse.models`) and the SQL to assign with.

    Raises SegmentationError if there are no customers or a feature is not finite.
    """
    updated = parent if action == "update" else None
    scaler = updated.scaler if updated else _fit_scaler(query, relation, recipe)
    summary = _summary(query, relation, scaler, recipe.model)
    fit = _update(summary, updated, recipe.model) if updated else _refit(summary, scaler, parent, recipe)
    model = recipe.model
    measured, sample = silhouette(summary, fit.labels, sample_size=model.silhouette_sample, seed=model.seed)
    clusters, lineage = identify(query, relation, scaler, fit, recipe, parent, action)
    sizes = np.bincount(fit.labels, weights=summary.weights, minlength=fit.k).astype(int).tolist()
    row = _described(recipe, parent, action, scaler, summary, fit) | {
        "silhouette": measured,
        "silhouette_sample": sample,
        "clusters": [
            cluster | {"cluster": number, "centroid": fit.centroids[number].tolist(), "training_customers": size}
            for number, (cluster, size) in enumerate(zip(clusters, sizes, strict=True))
        ],
        "lineage": lineage,
        "k_search": [_candidate_k(fit, sizes, measured, sample)],
    }
    return row, assign_sql(scaler, fit.centroids, relation)


def _fit_scaler(query: Query, relation: str, recipe: Recipe) -> Scaler:
    asked = bounds_sql(recipe.features, recipe.model, relation)
    bounds = _first_row(query, asked) if asked else None
    moments = _first_row(query, moments_sql(recipe.features, recipe.model, bounds, relation))
    return scaler_from_moments(recipe.features, recipe.model, bounds, moments)


def _summary(query: Query, relation: str, scaler: Scaler, model: ModelParams) -> Summary:
    customers = int(_first_row(query, f"SELECT count(*) AS customers FROM {relation}")["customers"])
    exact = customers <= model.exact_up_to
    return summary_from_columns(query(summary_sql(scaler, model.cell_width, relation, exact=exact)), scaler)


def _refit(summary: Summary, scaler: Scaler, parent: Parent | None, recipe: Recipe) -> Fit:
    model = recipe.model
    previous = parent.centroids_in(scaler) if parent is not None and recipe.follows(parent) else None
    return fit_kmeans(summary, model.k, seed=model.seed, n_init=model.n_init, previous=previous)


def _update(summary: Summary, parent: Parent, model: ModelParams) -> Fit:
    return update_kmeans(summary, parent.centroids, iterations=model.update_iterations)


def _candidate_k(fit: Fit, sizes: list[int], measured: float | None, sample: int) -> Row:
    return {
        "k": fit.k,
        "inertia": fit.inertia,
        "silhouette": measured,
        "silhouette_sample": sample,
        "smallest_share": min(sizes) / sum(sizes),
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
        "params": json.dumps(params),
        "params_fingerprint": params_fingerprint(recipe.features, recipe.model),
        "scaler": scaler.model_dump_json(),
        "training_fingerprint": hashlib.sha256(content).hexdigest()[:16],
        "training_customers": summary.customers,
        "training_cells": len(summary.weights),
        "inertia": fit.inertia,
        "seed": recipe.model.seed,
        "library_versions": json.dumps({name: version(name) for name in ("scikit-learn", "numpy", "duckdb")}),
    }


def _first_row(query: Query, sql: str) -> dict[str, Any]:
    row = {name: column.tolist()[0] for name, column in query(sql).items()}
    return {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in row.items()}
