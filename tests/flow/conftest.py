"""A small shop whose daily files are delivered night by night."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from support_runs import Place

from segmentation.generator import ShopParams
from tasks.generate import write_shop

#: The second one takes in more deliveries and moves customers.
NIGHTS = (date(2010, 12, 20), date(2011, 1, 10))


@pytest.fixture(scope="session")
def small_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of 25 daily files with about 200 lines each, some of them late, repeated or faulty."""
    folder = tmp_path_factory.mktemp("shop")
    params = ShopParams(customers=600, days=40, lines_per_invoice=4, share_late=0.03, share_duplicated=0.03)
    write_shop(params, folder, "csv")
    return folder


@pytest.fixture
def new_place(small_shop: Path, tmp_path: Path) -> Callable[[str], Place]:
    """Makes a configured folder in which nothing has run yet."""
    return lambda name: Place(tmp_path / name, small_shop).set_up()
