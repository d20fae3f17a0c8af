"""Nights on a database from the command line: what they publish, and that the password is nowhere afterwards."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from support_database import Shop, shop_in
from support_postgres import PASSWORD, Postgres

from flows.local_server import local_server

CONFIG = """
[warehouse]
threads = 1
[source]
kind = "database"
[source.columns]
invoice_no = "invoice"
product = "product"
description = ""
quantity = "quantity"
invoiced_at = "sold_at"
unit_price = "price"
customer_id = "customer"
country = ""
line_id = "id"
[source.database]
uri = "{uri}"
table = "{table}"
watermark = "updated_at"
slice_rows = 100
{more}
"""
WRONG = "no:such/pass@word %"


@pytest.fixture
def shop(postgres: Postgres) -> Iterator[Shop]:
    with shop_in(postgres) as made:
        made.fill(1, 900)
        made.server.run(f"UPDATE {made.table} SET customer = id * id % 97")
        yield made


def configure(folder: Path, shop: Shop, more: str = "") -> None:
    text = CONFIG.format(uri=shop.server.uri, table=shop.table, more=more)
    (folder / "resegment.toml").write_text(text)


def resegment(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RESEGMENT", "PREFECT"))}
    environment = kept | {"PREFECT_API_URL": ""} | environment
    command = [str(Path(sys.executable).with_name("resegment")), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def places_of(secret: str, folder: Path, *ended: subprocess.CompletedProcess[str]) -> list[str]:
    """Files and outputs that hold a text, as it is or as a URI or JSON has it."""
    forms = {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]}
    said = "".join(one.stdout + one.stderr for one in ended)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    held = [str(path) for path in files if any(form.encode() in path.read_bytes() for form in forms)]
    return held + [form for form in forms if form in said]


def test_a_night_publishes_and_the_password_is_nowhere(shop: Shop, tmp_path: Path) -> None:
    configure(tmp_path, shop)
    night = ("nightly", "--as-of", "2011-12-10", "--json")
    refused = resegment(tmp_path, *night, RESEGMENT_SOURCE_PASSWORD=WRONG)
    assert (refused.returncode, json.loads(refused.stdout)["status"]) == (1, "failed")
    assert "password authentication failed" in refused.stderr
    done = resegment(tmp_path, *night, RESEGMENT_SOURCE_PASSWORD=PASSWORD)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["deliveries"]["delivered_lines"] == 900
    again = resegment(tmp_path, *night, RESEGMENT_SOURCE_PASSWORD=PASSWORD)
    assert json.loads(again.stdout)["status"] == "unchanged"
    shown = resegment(tmp_path, "config", RESEGMENT_SOURCE_PASSWORD=PASSWORD)
    assert shown.returncode == 0
    for secret in (WRONG, PASSWORD):
        assert places_of(secret, tmp_path, refused, done, again, shown) == []


def test_the_password_of_a_prefect_secret_is_in_no_log(shop: Shop, tmp_path: Path) -> None:
    configure(tmp_path, shop, 'password_secret = "shop-database"')
    alone = resegment(tmp_path, "nightly", "--as-of", "2011-12-10", RESEGMENT_SOURCE_PASSWORD=PASSWORD)
    assert alone.returncode == 1
    assert "password_secret = 'shop-database' needs a Prefect API" in alone.stderr
    with local_server(tmp_path / "prefect") as api:
        save = "import sys; from prefect.blocks.system import Secret; Secret(value=sys.argv[1]).save('shop-database')"
        environment = os.environ | {"PREFECT_API_URL": api, "PREFECT_HOME": str(tmp_path / "home")}
        subprocess.run([sys.executable, "-c", save, PASSWORD], env=environment, check=True)
        done = resegment(
            tmp_path, "nightly", "--as-of", "2011-12-10", PREFECT_API_URL=api, PREFECT_HOME=str(tmp_path / "home")
        )
        assert done.returncode == 0, done.stderr
    assert places_of(PASSWORD, tmp_path, alone, done) == []
