"""Fixtures shared by all folders of tests."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from support_postgres import Postgres, running

# How long an example takes says nothing about whether it is right.
hypothesis.settings.register_profile("resegment", deadline=None)
hypothesis.settings.load_profile("resegment")

# A shell's background job is started with Ctrl-C ignored, and so is what it starts; a process that a test interrupts
# must not inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of Online Retail's 305 daily files; it lies outside the repository and is only read."""
    default = REPOSITORY.parent / "shared" / "data" / "online_retail"
    folder = Path(os.environ.get("RESEGMENT_REAL_DATA") or default) / "by-day"
    if not any(folder.glob("*.csv")):
        reason = f"Online Retail is not in {folder}; set RESEGMENT_REAL_DATA to the folder that holds by-day"
        if os.environ.get("RESEGMENT_REQUIRE_REAL_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this session's own; skips where none is installed."""
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def no_api() -> Iterator[None]:
    """Nights are plain functions here, whatever the environment says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", "")
        yield
