"""What changed settings will do, told before it happens: in the plan of a night, at its start, and in its record.

Each kind of setting has a finder, which asks the rules the night itself decides by and never a list of its own.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from segmentation.changes import MEANINGS, Shape, effects_by_key
from segmentation.recipe import choose_action
from tasks import drafts
from tasks.closing import age_counts_from
from tasks.night import Night
from tasks.progress import logger
from tasks.wrapper import task
from warehouse import closing, features, landing, ops, rules, store, versions
from warehouse.store import Warehouse

ACTIVITY = "activity"
NEW_VERSION = "new_version"
REJUDGED = "rejudged"
REREAD = "reread"
_MEANINGS = {
    **MEANINGS,
    ACTIVITY: "the activity of every customer is computed anew",
    NEW_VERSION: "a date that is published already is made anew if it is run again",
}
#: Settings whose values are texts of files: that they changed is told, not their digests.
_TEXTS = ("features.sql", "names.playbook", "names.rfm_map")


@dataclass(frozen=True)
class Change:
    """A setting, as "features.inputs", that is not what it was, and what that does: a code -> what it means."""

    setting: str
    before: Any
    after: Any
    effects: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        section, _, name = self.setting.rpartition(".")
        told = "; ".join(self.effects.values())
        if self.setting in _TEXTS:
            return f"[{section}] {name} changed: {told}"
        return f"[{section}] {name} changed from {_shown(self.before)} to {_shown(self.after)}: {told}"


def segment_changes(warehouse: Warehouse, night: Night) -> list[Change]:
    """Changes of what shapes activity, model and version, since the version published for the date before."""
    before = versions.published_before(warehouse, night.as_of)
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    effects: dict[str, set[str]] = {}
    if before is not None:
        parent = drafts.parent(warehouse, before["model_id"])
        was, now = Shape(parent.features, parent.model), Shape(drafts.features_of(night), night.model)
        effects = {key: found | {NEW_VERSION} for key, found in effects_by_key(was, now).items()}
        old, new = _beside_the_model(ops.settings_of(warehouse, before["params_fingerprint"]), night)
        effects |= {key: effects.get(key, set()) | {NEW_VERSION} for key in old if old[key] != new[key]}
        old, new = old | was.values(), new | now.values()
    state = warehouse.select("SELECT window_days FROM features.state")
    if state and features.needs_rebuild(warehouse, night.features.window_days):
        key = "features.window_days"
        old[key], new[key] = state[0]["window_days"], night.features.window_days
        effects[key] = effects.get(key, set()) | {ACTIVITY}
    return [
        Change(key, old[key], new[key], {code: told for code, told in _MEANINGS.items() if code in found})
        for key, found in effects.items()
    ]


def landing_changes(warehouse: Warehouse, night: Night) -> list[Change]:
    """Changes of how files are read and equal lines judged, since lines were taken in."""
    found = []
    if judged := rules.changed_duplicates(warehouse, night.source):
        found.append(Change("source.duplicates", *judged, {REJUDGED: "equal lines of all deliveries are judged anew"}))
    reading = {True: "all files that are still there are read again", False: "it holds for new files only"}
    stopped = "the night stops until it is run with --reread (all files again) or --no-reread (new files only)"
    for key, (before, after) in rules.changed_reading(warehouse, night.source, night.shop_zone).items():
        setting = key if key.startswith("schedule.") else f"source.{key}"
        effect = stopped if night.reread is None else reading[night.reread]
        found.append(Change(setting, before, after, {REREAD: effect}))
    return found


#: Finders of changes, in the order in which they take effect: what is landed comes before what is made of it. They
#: only look: in the plan of a night the warehouse is read-only.
FINDERS: tuple[Callable[[Warehouse, Night], list[Change]], ...] = (landing_changes, segment_changes)


def find_changes(warehouse: Warehouse, night: Night) -> list[Change]:
    """Everything that is set otherwise than before and what it will do tonight."""
    return [change for find in FINDERS for change in find(warehouse, night)]


@task
def announce_changes(night: Night) -> list[dict[str, Any]]:
    """Say what changed settings will do before anything is done; return it for the record of the run."""
    with store.opened(night.warehouse) as warehouse:
        found = find_changes(warehouse, night)
    for change in found:
        logger.warning("%s", change)
    return [asdict(change) for change in found]


def look_ahead(night: Night) -> dict[str, Any]:
    """What a night would do, without doing any of it; the warehouse stays as it is.

    Raises
    ------
    WarehouseLockedError
        A run writes to the warehouse; what it will leave is not known yet.
    """
    ahead: dict[str, Any] = {"as_of": night.as_of, "published": None, "upgrade": None, "changes": []}
    if not night.warehouse.path.exists():
        return ahead | {"new_deliveries": True, "action": "refit", "reason": "there is no model yet"}
    with store.looking(night.warehouse, "nightly --plan") as upgrade, store.opened(night.warehouse) as warehouse:
        published = versions.published_on(warehouse, night.as_of)
        before = drafts.before(warehouse, night)
        parent = None if before.keys_only else before.parent
        action, reason = choose_action(drafts.recipe(warehouse, night), parent, {}, asked=night.refit)
        return ahead | {
            "upgrade": upgrade,
            "published": published and published["version_id"],
            "unchanged": versions.is_up_to_date(warehouse, night.as_of, night.fingerprint) is not None
            and not landing_changes(warehouse, night),
            "new_deliveries": landing.anything_new(warehouse, night.source),
            "action": action,
            "reason": reason,
            "lines_go": _lines_that_go(warehouse, night),
            "changes": [asdict(change) | {"told": str(change)} for change in find_changes(warehouse, night)],
        }


def _lines_that_go(warehouse: Warehouse, night: Night) -> dict[str, Any] | None:
    before = closing.closing_date(warehouse, night.retention, age_counts_from(night))
    if before is None:
        return None
    count = "SELECT count(*) FROM sales.transaction_lines WHERE shop_day < $before"
    return {"before": before, "lines": warehouse.value(count, {"before": before})}


def _beside_the_model(kept: dict[str, Any] | None, night: Night) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings that shape a version and not its model, as they were and are; those a release before did not know go."""
    if kept is None:
        return {}, {}
    old, new = _flat(kept), _flat(night.settings)
    return {key: value for key, value in old.items() if key in new}, new


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    found = {"features.sql": [settings["features"]["sql"], settings["own_features"]]}
    for section in ("explaining", "scoring", "names"):
        found |= dict(_leaves(f"{section}.", settings[section]))
    return found


def _leaves(prefix: str, values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [
        leaf
        for name, value in values.items()
        for leaf in (_leaves(f"{prefix}{name}.", value) if isinstance(value, Mapping) else [(prefix + name, value)])
    ]


def _shown(value: Any) -> str:
    return "not set" if value is None else json.dumps(value, default=str)
