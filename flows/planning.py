"""From the configuration and a few arguments to the values a run works with."""

import os
from collections.abc import Callable
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

from flows.settings import CONFIGURATION_FILE, ConfigurationError, LoadedSettings, load_settings
from segmentation.errors import SegmentationError
from tasks.backfill_plan import for_dates
from tasks.changes import look_ahead
from tasks.drafts import check_playbook, check_rfm_map
from tasks.night import Night, scheduled_or_now, shop_date
from tasks.present import utc_now
from tasks.ranges import Asked, check


def plan_night(command: str, as_of: date | None, refit: bool, config: Path | None, reread: bool | None = None) -> Night:
    """Values of one run; without `as_of` it is for the shop's date of the scheduled time.

    Raises ConfigurationError if the configuration cannot be used.
    """
    loaded = load_settings(config)
    settings = loaded.settings
    names = settings.names
    zone = settings.schedule.time_zone
    return Night(
        command=command,
        as_of=as_of or shop_date(scheduled_or_now(), zone),
        began=utc_now(),
        shop_zone=zone,
        warehouse=settings.warehouse,
        source=settings.source,
        features=settings.features,
        model=settings.model,
        checks=settings.checks,
        refitting=settings.refit,
        explaining=settings.explaining,
        scoring=settings.scoring,
        breaker=settings.breaker,
        playbook=_checked(loaded, names.playbook, "playbook.toml", check_playbook),
        rfm_map=_checked(loaded, names.rfm_map, "rfm_map.json", check_rfm_map),
        own_features=_text(loaded, settings.features.sql, ""),
        report=settings.report,
        retention=settings.retention,
        notify=settings.notify,
        retry_after_seconds=settings.schedule.retry_after_seconds,
        refit=refit,
        reread=reread,
    )


def look_ahead_to_night(as_of: date | None, refit: bool, config: Path | None) -> dict[str, Any]:
    """What such a night would do, without doing it."""
    return look_ahead(plan_night("refit" if refit else "nightly", as_of, refit, config))


def configuration_files(loaded: LoadedSettings) -> dict[str, Path]:
    """The configuration file and those it names, by their paths below its folder; by their names if elsewhere."""
    if loaded.file is None:
        return {}
    folder = loaded.file.absolute().parent
    names = loaded.settings.names
    texts = (names.playbook, names.rfm_map, loaded.settings.features.sql, loaded.settings.source.merges)
    named = [path for one in texts if one and (path := _path(loaded, one)).exists()]
    inside = {path: os.path.relpath(path, folder) for path in named}
    return {loaded.file.name: loaded.file.absolute()} | {
        path.name if below.startswith("..") else below: path for path, below in inside.items()
    }


def plan_backfill(asked: Asked, config: Path | None) -> Night:
    """Values of a backfill; its date is the last of the range that has come.

    Raises BackfillError or ConfigurationError if what was asked for cannot be done.
    """
    return for_dates(plan_night("backfill", None, False, config), check(asked))


def _checked(loaded: LoadedSettings, name: str, built_in: str, check: Callable[[str], None]) -> str:
    """The text, known to be usable before anything is taken in."""
    text = _text(loaded, name, built_in)
    try:
        check(text)
    except SegmentationError as error:
        raise ConfigurationError(f"{_path(loaded, name)}: {error}") from error
    return text


def _text(loaded: LoadedSettings, name: str, built_in: str) -> str:
    """Text of a file named in the configuration, relative to it; of our own where none is named."""
    if not name:
        return files("segmentation").joinpath(built_in).read_text(encoding="utf-8") if built_in else ""
    path = _path(loaded, name)
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from error


def _path(loaded: LoadedSettings, name: str) -> Path:
    return (loaded.file or CONFIGURATION_FILE).absolute().parent / Path(name).expanduser()
