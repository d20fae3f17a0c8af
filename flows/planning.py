"""From the configuration and a few arguments to the values a run works with."""

from datetime import date
from importlib.resources import files
from pathlib import Path

from flows.settings import load_settings
from tasks.night import Night, scheduled_or_now, shop_date, utc_now


def plan_night(command: str, as_of: date | None, refit: bool, config: Path | None) -> Night:
    """Values of one run; without `as_of` it is for the shop's date of the scheduled time.

    Raises ConfigurationError if the configuration cannot be used.
    """
    settings = load_settings(config).settings
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
        playbook=files("segmentation").joinpath("playbook.toml").read_text(encoding="utf-8"),
        refit=refit,
    )
