from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import segmentation
from segmentation.errors import SegmentationError
from segmentation.naming import Playbook, name_clusters, parse_playbook

FEATURES = ("recency_days", "frequency", "monetary")
TEXT = (Path(segmentation.__file__).parent / "playbook.toml").read_text(encoding="utf-8")
PLAYBOOK = parse_playbook(TEXT)
GERMAN = """
[words]
recency_days = { high = "länger fort", low = "kürzlich da" }
frequency = { high = "mehr Käufe", low = "weniger Käufe" }
monetary = { high = "mehr Umsatz", low = "weniger Umsatz" }
average = { high = "größere Käufe", low = "kleinere Käufe" }

[[prototypes]]
name = "Stammkunden"
profile = "Kaufen oft."
actions = ["Danken"]
colour = "#0072B2"
position = { recency_days = -1, frequency = 1, monetary = 1, average = 0 }

[[prototypes]]
name = "Verlorene"
profile = "Kamen lange nicht."
actions = []
colour = "#888888"
position = { recency_days = 1, frequency = -1, monetary = -1, average = 0 }
"""


def positions(playbook: Playbook) -> np.ndarray:
    return np.array([[getattr(one.position, name) for name in FEATURES] for one in playbook.prototypes])


def test_clusters_at_the_prototypes_take_their_names() -> None:
    order = np.random.default_rng(0).permutation(len(PLAYBOOK.prototypes))
    found = name_clusters(positions(PLAYBOOK)[order], FEATURES, PLAYBOOK)
    assert [one.name for one in found] == [PLAYBOOK.prototypes[index].name for index in order]
    assert [one.colour for one in found] == [PLAYBOOK.prototypes[index].colour for index in order]
    assert all(one.distance == 0 for one in found)


@given(arrays(float, st.tuples(st.integers(1, 30), st.just(3)), elements=st.integers(-2, 2).map(float)))
def test_names_and_colours_are_unique_even_of_identical_clusters(centroids) -> None:
    used = {"Champions", "Lost, more orders"}
    found = name_clusters(centroids, FEATURES, PLAYBOOK, used, used_colours={"#009E73"})
    assert len({one.name for one in found} | used) == len(centroids) + len(used)
    assert len({one.colour for one in found} | {"#009e73"}) == len(centroids) + 1


def test_used_names_are_not_given_again() -> None:
    champion = positions(PLAYBOOK)[:1]
    (found,) = name_clusters(champion, FEATURES, PLAYBOOK, {"Champions"})
    assert found.name not in {"Champions"}
    assert found.distance > 0
    everybody = {one.name for one in PLAYBOOK.prototypes}
    (found,) = name_clusters(champion + np.array([0, 0, 0.5]), FEATURES, PLAYBOOK, everybody)
    assert found.name == "Champions, higher spend"


def test_a_playbook_in_another_language_names_in_that_language() -> None:
    playbook = parse_playbook(GERMAN)
    found = name_clusters(
        np.array([[-1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [1.0, -1.0, 0.5], [-1.0, 2.0, 1.0]]), FEATURES, playbook
    )
    assert [one.name for one in found] == [
        "Stammkunden",
        "Verlorene",
        "Verlorene, mehr Umsatz",
        "Stammkunden, mehr Käufe",
    ]
    assert found[0].colour == "#0072b2"


def test_naming_follows_the_features_of_the_model() -> None:
    spender = next(one for one in PLAYBOOK.prototypes if one.name == "Big spenders")
    (found,) = name_clusters(np.array([[spender.position.average]]), ("average",), PLAYBOOK)
    assert found.name == "Big spenders"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "Verlorene"', 'name = "Stammkunden"', "'Stammkunden' is given to two"),
        ('colour = "#888888"', 'colour = "#0072b2"', "'#0072b2' is given to two"),
        ('colour = "#888888"', 'colour = "grey"', "prototypes.1.colour"),
        ('profile = "Kaufen oft."', 'porfile = "Kaufen oft."', "prototypes.0.porfile"),
        ("average = 0", "average = nan", "position.average"),
        ("[words]", "[words", "not valid TOML"),
    ],
)
def test_a_faulty_playbook_says_what_is_wrong(old, new, message) -> None:
    with pytest.raises(SegmentationError, match=message):
        parse_playbook(GERMAN.replace(old, new))
