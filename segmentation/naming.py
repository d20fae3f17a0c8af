"""Names and colours of segments, from a playbook of prototypes."""

import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from segmentation.colours import free_colour
from segmentation.errors import SegmentationError
from segmentation.words import Vocabulary, profile_words

_STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
#: Standard deviations; prototypes lie within them.
_FAR = 2.0
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$", to_lower=True)]


class Position(BaseModel):
    """Where a prototype lies, in standard deviations of the transformed features; positive recency is long ago.

    Any other feature of the model may be given too; one that is not counts as average.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, float]

    recency_days: float
    frequency: float
    monetary: float
    average: float


class Prototype(BaseModel):
    """A kind of customer that a cluster can be named after."""

    model_config = _STRICT

    name: Text
    profile: Text
    actions: tuple[Text, ...]
    colour: Colour
    position: Position


class Words(BaseModel):
    """How a feature above or below a prototype's is put, after its name and a comma."""

    model_config = _STRICT

    high: Text
    low: Text


class Playbook(BaseModel):
    """The prototypes, and the words that tell two clusters of one prototype apart."""

    model_config = _STRICT

    prototypes: tuple[Prototype, ...] = Field(min_length=1)
    words: dict[str, Words] = Field(default_factory=dict)
    vocabulary: Vocabulary = Field(default_factory=Vocabulary)

    @field_validator("prototypes")
    @classmethod
    def _unique_names(cls, prototypes: tuple[Prototype, ...]) -> tuple[Prototype, ...]:
        for unique in ("name", "colour"):
            values = [getattr(prototype, unique) for prototype in prototypes]
            repeated = sorted({value for value in values if values.count(value) > 1})
            if repeated:
                raise ValueError(f"the {unique} {repeated[0]!r} is given to two prototypes; each needs its own")
        return prototypes

    def words_of(self, feature: str) -> Words:
        """Words of one feature; of one the playbook does not know, its name and a plain degree."""
        return self.words.get(feature) or _default_words(feature)


def _default_words(feature: str) -> Words:
    if feature == "recency_days":
        return Words(high="longer away", low="more recent")
    return Words(high=f"higher {feature}", low=f"lower {feature}")


def parse_playbook(text: str) -> Playbook:
    """Playbook from the text of a TOML file. Raises SegmentationError naming what is wrong in it."""
    try:
        return Playbook.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SegmentationError(f"the playbook is not valid TOML: {error}") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors()
        )
        raise SegmentationError(f"the playbook needs mending: {problems}") from error


@dataclass(frozen=True)
class ClusterName:
    """Name and colour of a cluster, the prototype behind them and the distance to it in standard deviations."""

    name: str
    colour: str
    prototype: str
    distance: float


def _distances(centroids: NDArray[np.float64], features: tuple[str, ...], playbook: Playbook) -> NDArray[np.float64]:
    """Distances (k, prototypes). Beyond `_FAR` more is not another kind: ten times the best customer's money is still
    the best customer, and must not look nearer to who spent much once than to the champions."""
    positions = _positions(playbook, features)
    differences = np.clip(centroids, -_FAR, _FAR)[:, None, :] - positions[None, :, :]
    return np.asarray(np.sqrt((differences**2).sum(axis=2)))


def name_clusters(
    centroids: NDArray[np.float64],
    features: tuple[str, ...],
    playbook: Playbook,
    used: Collection[str] = (),
    used_colours: Collection[str] = (),
) -> list[ClusterName]:
    """Name each cluster, in the order of `centroids` (k, d) whose columns are `features`.

    Clusters are assigned to the prototypes whose names are not in `used`, so that the sum of Euclidean distances is
    smallest. Clusters left over take the nearest prototype's name and what tells them most from it. No name is in
    `used` and none comes twice; nor does a colour that is in `used_colours`.
    """
    positions = _positions(playbook, features)
    distances = _distances(centroids, features, playbook)
    assigned = _assign_unused(distances, playbook, used)
    taken = set(used)
    spare = [prototype.colour for prototype in playbook.prototypes]
    taken_colours = {colour.lower() for colour in used_colours}
    names: dict[int, ClusterName] = {}
    for cluster in sorted(range(len(centroids)), key=lambda index: (index not in assigned, index)):
        index = assigned.get(cluster, int(distances[cluster].argmin()))
        prototype = playbook.prototypes[index]
        candidates = _candidates(prototype.name, features, centroids[cluster] - positions[index], playbook)
        name = prototype.name if cluster in assigned else next(text for text in candidates if text not in taken)
        colour = free_colour(prototype.colour if cluster in assigned else None, spare, taken_colours)
        taken.add(name)
        taken_colours.add(colour)
        names[cluster] = ClusterName(name, colour, prototype.name, float(distances[cluster, index]))
    return [names[cluster] for cluster in range(len(centroids))]


def describe_segment(
    centroid: NDArray[np.float64], features: tuple[str, ...], prototype: str | None, playbook: Playbook
) -> dict[str, Any]:
    """What is said of a segment tonight: `profile` in words, `actions`, and `prototype_distance`.

    Actions and distance (standard deviations) are those of the prototype the segment was born as; without it in
    today's playbook there are no actions and the distance is None.
    """
    known = {one.name: number for number, one in enumerate(playbook.prototypes)}
    number = known.get(prototype or "")
    distance = None
    if number is not None:
        distance = float(_distances(centroid[None, :], features, playbook)[0, number])
    return {
        "profile": profile_words(centroid.tolist(), features, playbook.vocabulary),
        "actions": [] if number is None else list(playbook.prototypes[number].actions),
        "prototype_distance": distance,
    }


def _positions(playbook: Playbook, features: tuple[str, ...]) -> NDArray[np.float64]:
    return np.array(
        [[getattr(prototype.position, name, 0.0) for name in features] for prototype in playbook.prototypes]
    )


def _assign_unused(distances: NDArray[np.float64], playbook: Playbook, used: Collection[str]) -> dict[int, int]:
    """Cluster -> prototype, for as many clusters as there are unused prototypes."""
    from scipy.optimize import linear_sum_assignment

    unused = [index for index, prototype in enumerate(playbook.prototypes) if prototype.name not in used]
    clusters, columns = linear_sum_assignment(distances[:, unused])
    return {int(cluster): unused[column] for cluster, column in zip(clusters, columns, strict=True)}


def _candidates(
    name: str, features: tuple[str, ...], differences: NDArray[np.float64], playbook: Playbook
) -> Iterator[str]:
    """Names for a second cluster of a prototype: its most telling feature, the next, then all of them and a number."""
    order = np.argsort(-np.abs(differences), kind="stable")
    words = [
        playbook.words_of(features[index]).high if differences[index] > 0 else playbook.words_of(features[index]).low
        for index in order
    ]
    for word in words:
        yield f"{name}, {word}"
    for length in range(2, len(words) + 1):
        yield ", ".join([name, *words[:length]])
    for number in count(2):
        yield f"{name}, {words[0]} {number}"
