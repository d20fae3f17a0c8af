"""Steps that make a segment version and publish it."""

import json
from collections.abc import Callable
from typing import Any

from segmentation.modelling import train_model
from segmentation.naming import parse_playbook
from segmentation.params import FeatureParams, ModelParams
from segmentation.recipe import Parent, Recipe, choose_action
from segmentation.transforms import Scaler
from tasks.checking import check
from tasks.night import CheckFailedError, Night, VersionHeldError, utc_now
from tasks.progress import logger
from tasks.wrapper import task
from warehouse import features, models, publish, store, versions
from warehouse.store import Warehouse


@task
def check_activity(night: Night) -> None:
    """Judge the customers' activity; a critical failure stops the run before any segment is made."""
    with store.opened(night.warehouse) as warehouse:
        failures = check(warehouse, night, ("customer_activity",))
    if failures:
        raise CheckFailedError(
            f"Critical checks of features.customer_activity failed; nothing was published:\n{failures}"
        )


@task
def segment_customers(night: Night) -> int:
    """Fit or update the model and assign every customer; return the id of the candidate version."""
    with store.opened(night.warehouse) as warehouse:
        features.prepare(warehouse, night.as_of, night.features.window_days, night.features.money.value)
        recipe = Recipe(night.features, night.model, parse_playbook(night.playbook), models.next_segment_key(warehouse))
        parent = _parent(warehouse, night)
        action = choose_action(recipe, parent, refit=night.refit)
        model, assign_sql = train_model(_columns(warehouse), "features", recipe, parent, action)
        with warehouse.transaction():
            version_id = _store_candidate(warehouse, night, model, assign_sql)
    logger.info("%s: version %s has %s segments", action, version_id, len(model["clusters"]))
    return version_id


@task
def check_version(night: Night, version_id: int) -> None:
    """Judge the candidate; a critical failure holds it back and leaves what is published as it is."""
    with store.opened(night.warehouse) as warehouse:
        failures = check(warehouse, night, ("segment_version", "segment_version_segments", "segment_version_summary"))
        if failures:
            versions.hold(warehouse, version_id, failures.splitlines())
            raise VersionHeldError(f"Version {version_id} is held back; what is published stays:\n{failures}")


@task
def publish_version(night: Night, version_id: int) -> bool:
    """Publish the candidate; return whether it is `current` now."""
    with store.opened(night.warehouse) as warehouse:
        return publish.publish(warehouse, version_id, utc_now())


@task
def summarise_segments(night: Night, version_id: int) -> dict[str, Any]:
    """The version's row, its segments and where its file is."""
    with store.opened(night.warehouse) as warehouse:
        return publish.summary(warehouse, version_id)


def _store_candidate(warehouse: Warehouse, night: Night, model: dict[str, Any], assign_sql: str) -> int:
    now = utc_now()
    model_id = models.write_model(warehouse, model | {"as_of": night.as_of, "created_at": now})
    candidate = versions.Candidate(
        as_of=night.as_of,
        model_id=model_id,
        trigger=night.command,
        created_at=now,
        params_fingerprint=night.fingerprint,
        silhouette=model["silhouette"],
        silhouette_sample=model["silhouette_sample"],
        inertia=model["inertia"],
    )
    return versions.write_candidate(warehouse, candidate, assign_sql)


def _parent(warehouse: Warehouse, night: Night) -> Parent | None:
    """The model of the version published for the date before; never the one this night replaces."""
    before = versions.published_before(warehouse, night.as_of)
    if before is None:
        return None
    stored = models.load_model(warehouse, before["model_id"])
    return Parent(
        model_id=stored["model_id"],
        epoch=stored["epoch"],
        features=FeatureParams.model_validate(stored["params"]["features"]),
        model=ModelParams.model_validate(stored["params"]["model"]),
        scaler=Scaler.model_validate_json(json.dumps(stored["scaler"])),
        clusters=stored["clusters"],
    )


def _columns(warehouse: Warehouse) -> Callable[[str], dict[str, Any]]:
    return lambda sql: warehouse.execute(sql).fetchnumpy()
