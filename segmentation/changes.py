"""What a changed setting does to the segments, told before it happens by the very rules the night decides by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from segmentation.params import FeatureParams, ModelParams, params_fingerprint
from segmentation.recipe import same_space

REFIT = "refit"
NEW_EPOCH = "new_epoch"
#: What each of them means for the person who changed something.
MEANINGS: Mapping[str, str] = {
    REFIT: "the model is fitted anew; nothing is compared with the version before, so nothing is held",
    NEW_EPOCH: "a new epoch: all segments begin anew, with new keys and names",
}


@dataclass(frozen=True)
class Shape:
    """The parameters a model is made from, as `models.models` keeps them."""

    features: FeatureParams
    model: ModelParams

    def values(self) -> dict[str, Any]:
        """Each parameter by its dotted key, as "features.inputs"."""
        return dict(_leaves("features.", self.features)) | dict(_leaves("model.", self.model))

    def with_value_of(self, other: "Shape", key: str) -> "Shape":
        """The same but for one parameter, taken from `other` as it is."""
        section, *path = key.split(".")
        mine, theirs = getattr(self, section), getattr(other, section)
        changed = _with_value(mine, theirs, path)
        return Shape(changed, self.model) if section == "features" else Shape(self.features, changed)


def changed_keys(before: Shape, after: Shape) -> list[str]:
    """Keys of the parameters that differ."""
    old = before.values()
    return [key for key, value in after.values().items() if old[key] != value]


def effects(before: Shape, after: Shape) -> set[str]:
    """What becomes of a model made with `before` in a night with `after`."""
    found = set()
    if params_fingerprint(before.features, before.model) != params_fingerprint(after.features, after.model):
        found.add(REFIT)
    if not same_space(before.features, before.model, after.features, after.model):
        found.add(NEW_EPOCH)
    return found


def effects_by_key(before: Shape, after: Shape) -> dict[str, set[str]]:
    """What each differing parameter does by itself; together never more, nor less, than what all do at once."""
    together = effects(before, after)
    single = {key: effects(before, before.with_value_of(after, key)) & together for key in changed_keys(before, after)}
    unexplained = together - _union(single.values())
    return {key: found | unexplained for key, found in single.items()}


def _leaves(prefix: str, params: BaseModel) -> Iterable[tuple[str, Any]]:
    for name in type(params).model_fields:
        value = getattr(params, name)
        if isinstance(value, BaseModel):
            yield from _leaves(f"{prefix}{name}.", value)
        else:
            yield prefix + name, value


def _with_value(mine: Any, theirs: Any, path: list[str]) -> Any:
    name, *rest = path
    value = _with_value(getattr(mine, name), getattr(theirs, name), rest) if rest else getattr(theirs, name)
    return mine.model_copy(update={name: value})


def _union(sets: Iterable[set[str]]) -> set[str]:
    return set().union(*sets)
