"""From the configuration and a few arguments to the values a run works with."""

from datetime import date
from importlib.resources import files
from pathlib import Path

from flows.settings import ConfigurationError, LoadedSettings, load_settings
from tasks.night import Night, scheduled_or_now, shop_date, utc_now


def plan_night(command: str, as_of: date | None, refit: bool, config: Path | None) -> Night:
    """Values of one run; without `as_of` it is for the shop's date of the scheduled time.

    Raises ConfigurationError if the configuration cannot be used.
    """
    loaded = load_settings(config)
    settings = loaded.settings
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
        playbook=_text(loaded, settings.names.playbook, "playbook.toml"),
        rfm_map=_text(loaded, settings.names.rfm_map, "rfm_map.json"),
        own_features=_text(loaded, settings.features.sql, ""),
        refit=refit,
    )


def _text(loaded: LoadedSettings, name: str, built_in: str) -> str:
    """Text of a file named in the configuration, relative to it; of our own where none is named."""
    if not name:
        return files("segmentation").joinpath(built_in).read_text(encoding="utf-8") if built_in else ""
    path = (loaded.file or Path()).absolute().parent / Path(name).expanduser()
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from error
