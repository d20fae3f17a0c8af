import csv
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from segmentation.generator import ShopParams
from tasks.generate import write_shop

SHOP = ShopParams(customers=150, days=200, start=date(2011, 1, 1), lines_per_invoice=3)
AS_OF = "2011-07-20"
RECIPES = [
    "K-Means", "MiniBatchKMeans", "BisectingKMeans", "Ward", "Gaussian mixture", "HDBSCAN", "scored RFM", "classic"
]  # fmt: skip
TIMES = {"seconds"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Configuration of a shop with one published night and 200 days behind it."""
    folder = tmp_path_factory.mktemp("shop")
    write_shop(SHOP, folder / "data", "csv")
    config = folder / "resegment.toml"
    config.write_text('[source]\npath = "data/*.csv"\n[report]\nenabled = false\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", "")
        result = called("nightly", "--as-of", AS_OF, "--config", config)
    assert result.exit_code == 0, result.output
    return config


def called(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def compared(config: Path, *arguments: object) -> dict[str, Any]:
    result = called("compare", "--json", "--config", config, *arguments)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return dict(json.loads(result.stdout))


def untimed(found: dict[str, Any]) -> dict[str, Any]:
    rows = [{key: value for key, value in row.items() if key not in TIMES} for row in found["recipes"]]
    return found | {"recipes": rows}


def rows(config: Path, table: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(config.parent / "warehouse.duckdb", read_only=True) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()


def test_every_recipe_is_measured_on_the_newest_date_with_later_days(shop: Path) -> None:
    found = compared(shop)
    assert found["as_of"] == "2011-04-21"
    assert found["later_known"] is True
    assert found["sample"] == found["customers"] > 50
    assert [row["recipe"] for row in found["recipes"]] == RECIPES
    for row in found["recipes"]:
        assert row["silhouette_sample"] == found["sample"]
        assert 0 <= row["spend_explained"] <= 1
        assert 0 <= row["active_explained"] <= 1
        assert 0 < row["top_spend_share"] <= 1
        assert row["seconds"] >= 0
        assert (row["noise_share"] == 0) or row["recipe"] == "HDBSCAN"
    groups = {row["recipe"]: row["groups"] for row in found["recipes"]}
    assert {groups[recipe] for recipe in RECIPES[:5]} == {groups["K-Means"]}
    assert groups["classic"] == 4


def test_customers_are_those_who_had_bought_before_the_date(shop: Path) -> None:
    found = compared(shop, "--as-of", "2011-03-01")
    with duckdb.connect(shop.parent / "warehouse.duckdb", read_only=True) as connection:
        bought = (
            "SELECT customer_id, max(gross) FILTER (shop_day >= '2011-03-01') > 0 AS again FROM sales.invoices "
            "WHERE purchase_lines > 0 AND shop_day < DATE '2011-03-01' + 90 "
            "GROUP BY customer_id HAVING min(shop_day) < '2011-03-01'"
        )
        query = f"SELECT count(*), count(DISTINCT coalesce(again, false)) FROM ({bought})"
        assert connection.execute(query).fetchone() == (found["customers"], 2)
    assert found["later_known"] is True


def test_without_later_days_their_figures_are_left_out(shop: Path) -> None:
    found = compared(shop, "--as-of", AS_OF)
    assert found["later_known"] is False
    assert {row["spend_explained"] for row in found["recipes"]} == {None}
    shown = called("compare", "--as-of", AS_OF, "--config", shop).stdout
    assert "not known yet" in shown
    assert "Most of later" not in shown


def test_nothing_is_published_or_kept_and_the_same_comes_out_again(shop: Path) -> None:
    tables = ("segments.versions", "models.models", "features.state", "segments.quality", "ops.runs")
    before = {table: rows(shop, table) for table in tables}
    first = compared(shop, "--sample", 60)
    assert first["sample"] == 60
    assert untimed(first) == untimed(compared(shop, "--sample", 60))
    assert {table: rows(shop, table) for table in tables} == before


def test_ids_never_matter(shop: Path, tmp_path: Path) -> None:
    """The same customers by other ids, in the opposite order."""
    (tmp_path / "data").mkdir()
    for file in sorted((shop.parent / "data").glob("*.csv")):
        with file.open(newline="") as given, (tmp_path / "data" / file.name).open("w", newline="") as swapped:
            lines = csv.DictReader(given)
            writer = csv.DictWriter(swapped, lines.fieldnames or ())
            writer.writeheader()
            writer.writerows(line | {"CustomerID": _opposite(line["CustomerID"])} for line in lines)
    config = tmp_path / "resegment.toml"
    config.write_text(shop.read_text())
    assert called("nightly", "--as-of", AS_OF, "--config", config).exit_code == 0
    known = "(SELECT DISTINCT customer_id FROM sales.invoices)"
    assert not set(rows(config, known)) & set(rows(shop, known))
    assert untimed(compared(config, "--sample", 60)) == untimed(compared(shop, "--sample", 60))


def _opposite(customer: str) -> str:
    return str(10**9 - int(float(customer))) if customer else ""


def test_a_handful_of_customers(shop: Path) -> None:
    found = compared(shop, "--sample", 2)
    assert found["sample"] == 2
    by_name = {row["recipe"]: row for row in found["recipes"]}
    assert by_name["K-Means"]["groups"] == 2
    assert (by_name["HDBSCAN"]["groups"], by_name["HDBSCAN"]["noise_share"]) == (0, 1)


def test_people_see_a_table_and_what_is_best(shop: Path) -> None:
    shown = called("compare", "--config", shop).stdout
    assert all(recipe in shown for recipe in RECIPES)
    assert "Most of later log spend explained: " in shown
    assert "Nothing was published" in shown


def test_the_page_is_self_contained_and_names_no_customer(shop: Path, tmp_path: Path) -> None:
    found = compared(shop, "--pictures", tmp_path / "new" / "folder")
    page = Path(found["pictures"]).read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)\s*=", page)
    assert "default-src 'none'" in page
    assert "Plotly.newPlot" in page
    written = page.partition("plotly.js v")[0] + "".join(page.split("Plotly.newPlot")[1:])
    for (customer,) in rows(shop, "(SELECT DISTINCT customer_id FROM sales.invoices)"):
        assert not re.search(rf'["\s>]{re.escape(customer)}["\s<]', written), customer


def test_wrong_dates_and_an_empty_place_are_told(shop: Path, tmp_path: Path) -> None:
    early = called("compare", "--as-of", "1990-01-01", "--config", shop)
    assert (early.exit_code, early.stdout) == (1, "")
    assert "no customer has a purchase" in early.stderr
    config = tmp_path / "resegment.toml"
    config.write_text("")
    assert "There is no warehouse at" in called("compare", "--config", config).stderr
    assert called("compare", "--sample", 1, "--config", shop).exit_code == 2
