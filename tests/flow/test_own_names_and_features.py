"""Whole nights with a shop's own playbook, RFM map, scores and features."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from support_small import AS_OF, Bought, SmallShop, varied

from flows.settings import ConfigurationError
from segmentation.scoring import CODES
from warehouse.errors import FeatureError

TOMORROW = AS_OF + timedelta(days=1)
LEVELS = ("far_below", "below", "average", "above", "far_above")


def words(table: str, feature: str, *texts: str) -> str:
    return f"[vocabulary.{table}.{feature}]\n" + "".join(
        f'{level} = "{text}"\n' for level, text in zip(LEVELS, texts, strict=True)
    )


def prototype(name: str, action: str, colour: str, recency: float, others: float) -> str:
    return (
        f'[[prototypes]]\nname = "{name}"\nprofile = "x"\nactions = ["{action}"]\ncolour = "{colour}"\n'
        f"position = {{ recency_days = {recency}, frequency = {others}, monetary = {others}, average = 0 }}\n"
    )


GERMAN = (
    prototype("Stammkunden", "Danke sagen; 'für Sie'", "#009e73", -0.5, 1.0)
    + prototype("Schläfer", "Wecken", "#0072b2", 0.5, -1.0)
    + "[words]\nmonetary = { high = 'mehr Umsatz', low = 'weniger Umsatz' }\n"
    + "".join(
        words(table, feature, *(f"{feature} {table} Stufe {level}" for level in "12345"))
        for table in ("profile", "reasons")
        for feature in ("recency_days", "frequency", "monetary")
    )
)


@pytest.fixture
def shop(tmp_path: Path) -> SmallShop:
    shop = SmallShop(tmp_path / "shop").configure()
    shop.deliver("a", varied(30))
    return shop


def test_a_playbook_in_another_language(shop: SmallShop) -> None:
    (shop.folder / "german.toml").write_text(GERMAN, encoding="utf-8")
    shop.configure('[names]\nplaybook = "german.toml"\n[model]\nk = 3\n')
    segments = shop.night()["published"]["segments"]
    names = {one["segment"] for one in segments}
    assert {"Stammkunden", "Schläfer"} < names
    assert {name.partition(",")[0] for name in names} == {"Stammkunden", "Schläfer"}
    actions = {one["prototype"]: one["actions"] for one in segments}
    assert actions == {"Stammkunden": "Danke sagen; 'für Sie'", "Schläfer": "Wecken"}
    assert all(part.split(" profile ")[1][:5] == "Stufe" for one in segments for part in one["profile"].split(", "))
    reasons = shop.published("SELECT why FROM customer_segments_in_words WHERE why IS NOT NULL")
    assert len(reasons) > 20
    assert all(part.split(" reasons ")[1][:5] == "Stufe" for row in reasons for part in row["why"].split("; "))


BROKEN = {
    "playbook": {
        "not TOML": "[[prototypes",
        "no prototypes": "prototypes = []",
        "wrong colour": GERMAN.replace("#009e73", "green"),
        "name given twice": GERMAN.replace("Schläfer", "Stammkunden"),
        "unknown key": "colour = 1\n" + GERMAN,
    },
    "rfm_map": {"not JSON": "{", "codes missing": '{"All": ["111"]}', "no names": "[]"},
}


@pytest.mark.parametrize(("setting", "what"), [(setting, what) for setting, found in BROKEN.items() for what in found])
def test_broken_names_stop_the_night_before_anything_is_taken_in(shop: SmallShop, setting: str, what: str) -> None:
    (shop.folder / "own.file").write_text(BROKEN[setting][what], encoding="utf-8")
    shop.configure(f'[names]\n{setting} = "own.file"\n')
    with pytest.raises(ConfigurationError, match=f"{shop.folder / 'own.file'}: the (playbook|RFM map) "):
        shop.night()
    assert not shop.warehouse.exists()


def test_own_scores(shop: SmallShop) -> None:
    """Two names for the 125 scores; the third digit is the average order, and cuts stay until the next refit."""
    halves = {"Gut": [code for code in CODES if code > "300"], "Übrige": [code for code in CODES if code < "300"]}
    (shop.folder / "map.json").write_text(json.dumps(halves), encoding="utf-8")
    shop.configure(
        '[names]\nrfm_map = "map.json"\n[scoring]\nmoney = "average"\ncuts = "refit"\n[breaker]\nmin_customers = 1000\n'
        "[refit]\ndrift = 1000.0\n"
    )
    shop.night()
    rows = shop.published("FROM customer_segments")
    assert {row["rfm_segment"] for row in rows} == {"Gut", "Übrige"}
    assert all((row["rfm_segment"] == "Gut") == (row["rfm_score"] > "300") for row in rows)
    averages = sorted(row["average"] for row in rows)
    cuts = [averages[number * len(rows) // 5 - 1] for number in range(1, 5)]
    assert all(int(row["rfm_score"][2]) == 1 + sum(row["average"] > cut for cut in cuts) for row in rows)

    thresholds = "SELECT rfm_thresholds FROM segments.versions ORDER BY version_id"
    shop.deliver("b", [Bought(f"c{number}", days=0, price=1000 + number) for number in range(20)])
    shop.night(TOMORROW)
    first, second = shop.private(thresholds)
    assert first == second
    shop.night(TOMORROW + timedelta(days=1), refit=True)
    assert shop.private(thresholds)[2] != first


def test_features_of_the_shops_own(shop: SmallShop) -> None:
    """A changed query of the same name measures something else: new segments, and nothing is held for it."""
    sql = shop.folder / "own.sql"
    configuration = (
        '[features]\ninputs = ["recency_days", "monetary", "loyalty"]\nsql = "{}"\n[model]\nk = 3\n'
        "[breaker]\nmin_customers = 1\nmin_segment_customers = 1\n"
    )
    shop.configure(configuration.format("own.sql"))
    sql.write_text("SELECT customer_id, frequency AS loyalty FROM rfm")
    shop.night()
    before = {row["segment_key"] for row in shop.published("FROM segment_profiles")}
    assert shop.not_finite() == []
    assert any(
        "loyalty" in row["reasons"] for row in shop.published("FROM customer_segments WHERE reasons IS NOT NULL")
    )

    (shop.folder / "moved.sql").write_text(sql.read_text() + "\n")
    shop.configure(configuration.format("moved.sql") + "max_moved_share = 0.9\nmax_psi = 100.0\n")
    shop.night(TOMORROW)
    assert {row["segment_key"] for row in shop.published("FROM segment_profiles")} == before

    (shop.folder / "moved.sql").write_text("SELECT customer_id, 1000 - 3 * recency_days AS loyalty FROM rfm")
    assert shop.night(TOMORROW)["status"] == "done"
    after = {row["segment_key"] for row in shop.published("FROM segment_profiles")}
    assert before.isdisjoint(after)
    assert shop.private("SELECT max(epoch) AS epoch FROM models.models") == [{"epoch": 2}]

    (shop.folder / "moved.sql").write_text("SELECT customer_id, 'nan'::DOUBLE AS loyalty FROM rfm")
    with pytest.raises(FeatureError, match="loyalty is missing, NaN or beyond"):
        shop.night(TOMORROW)
    assert {row["segment_key"] for row in shop.published("FROM segment_profiles")} == after
