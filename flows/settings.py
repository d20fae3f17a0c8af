"""Configuration of a run: one file, `resegment.toml`, over a preset over the defaults; the environment overrides all.

The values themselves are described in the rooms they belong to; this module only joins them, so that a flow gets one
frozen value and hands down its parts.
"""

import glob
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from dashboard.params import ReportParams
from expectations.params import CheckParams
from flows.settings_keys import (
    PREFIX,
    environment_keys,
    environment_problems,
    flat_values,
    key_lines,
    secret_keys,
    setting_fields,
    unknown_keys,
    value_problem,
)
from flows.settings_text import commented_toml
from segmentation.params import (
    BreakerParams,
    ExplainingParams,
    FeatureParams,
    ModelParams,
    RefitParams,
    ScoringParams,
)
from tasks.notifying import NotifyParams
from warehouse.errors import ResegmentError, reason_of
from warehouse.params import RetentionParams, SourceParams, WarehouseParams, known_zone

Preset = Literal["default", "classic"]

#: The file that is read when none is named.
CONFIGURATION_FILE = Path("resegment.toml")
_PRESETS = Path(__file__).with_name("presets")
_EXAMPLE_HEAD = f"""\
# Configuration of resegment: every setting with its default, commented out.
# Each can be set in the environment too, which wins: {PREFIX}MODEL__K=4 is k of [model]; lists are written as JSON.
# Relative paths start at the folder of this file.

"""


class ConfigurationError(ResegmentError):
    """The configuration cannot be used; one line for each thing that is wrong."""


class ScheduleParams(BaseModel):
    """Section `[schedule]`: the shop's clock and when the deployments run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_zone: str = Field("Europe/London", description="the shop's own time zone, an IANA name")
    nightly_cron: str = Field("30 3 * * *", description="cron of the nightly run, in the shop's time zone")
    weekly_refit_cron: str = Field("15 4 * * 0", description="cron of the weekly refit, in the shop's time zone")

    retry_after_seconds: tuple[Annotated[float, Field(ge=0, le=86_400)], ...] = Field(
        (60, 300, 900), description="waits of a deployed run before it tries again what waiting can mend; [] for none"
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return known_zone(value)

    @field_validator("nightly_cron", "weekly_refit_cron")
    @classmethod
    def _five_fields(cls, value: str) -> str:
        if len(value.split()) != 5:
            raise ValueError("a cron has five fields: minute, hour, day of month, month, day of week")
        return value


class NamesParams(BaseModel):
    """Section `[names]`: files that name segments; relative ones start at the configuration file's folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    playbook: str = Field("", description="TOML file of prototypes: names, actions, colours; empty: the built-in one")
    rfm_map: str = Field("", description="JSON file of name -> RFM scores; empty: the built-in eleven names")


class Settings(BaseModel):
    """Everything that can be configured. Made directly, it reads neither files nor the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Preset = Field("default", description="default, or classic: gross money, no transform, four segments")
    warehouse: WarehouseParams = WarehouseParams()
    source: SourceParams = SourceParams()
    features: FeatureParams = FeatureParams()
    model: ModelParams = ModelParams()
    refit: RefitParams = RefitParams()
    explaining: ExplainingParams = ExplainingParams()
    scoring: ScoringParams = ScoringParams()
    names: NamesParams = NamesParams()
    breaker: BreakerParams = BreakerParams()
    checks: CheckParams = CheckParams()
    retention: RetentionParams = RetentionParams()
    schedule: ScheduleParams = ScheduleParams()
    report: ReportParams = ReportParams()
    notify: NotifyParams = NotifyParams()


@dataclass(frozen=True)
class LoadedSettings:
    """Settings with where each came from: "default", "preset classic", "resegment.toml:7" or "environment NAME"."""

    settings: Settings
    origins: dict[str, str]
    file: Path | None


class Described(NamedTuple):
    """One setting for people and programs; `value` is plain JSON."""

    key: str
    value: Any
    origin: str
    description: str


class _PresetSource(InitSettingsSource):
    """Values of the preset that the environment or the file chose."""

    def __call__(self) -> dict[str, Any]:
        return _preset_values(self.current_state.get("preset"))


class _Layers(BaseSettings, Settings):
    """Settings put together from the environment, the file (its keyword arguments) and the preset."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", env_parse_none_str="null")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Highest precedence first."""
        return env_settings, init_settings, _PresetSource(settings_cls, {})


def load_settings(config: Path | None = None) -> LoadedSettings:
    """Read the configuration: environment over file over preset over defaults.

    Without `config`, `resegment.toml` of the working directory is read if there is one. `warehouse.path`,
    `warehouse.serving`, `source.path` and `source.merges` become absolute: a relative one starts at the folder of
    the configuration file (without a file: the working directory), even if it is a default or comes from the
    environment. In the environment, `null` unsets an optional value.

    Raises
    ------
    ConfigurationError
        The file is missing or not TOML, a key or variable is unknown, or a value is wrong.
    """
    file = config or (CONFIGURATION_FILE if CONFIGURATION_FILE.exists() else None)
    text = _read(file) if file else ""
    values = _parse(text, file) if file else {}
    fields = setting_fields(Settings)
    unknown = [*unknown_keys(values, Settings, str(file)), *environment_problems(fields, os.environ)]
    if unknown:
        raise ConfigurationError("\n".join(unknown))
    sources = _sources(values, file)
    settings = _validated(values, sources)
    folder = (file or CONFIGURATION_FILE).absolute().parent
    return LoadedSettings(_with_absolute_paths(settings, folder), _with_lines(sources, file, text), file)


def describe(loaded: LoadedSettings) -> list[Described]:
    """Every setting with its value, where that came from and what it means, in the order of the file."""
    fields = setting_fields(Settings)
    values = flat_values(loaded.settings.model_dump(mode="json"), fields)
    return [Described(key, values[key], loaded.origins[key], field.description or "") for key, field in fields.items()]


def example_toml() -> str:
    """A `resegment.toml` with every setting described and its default commented out."""
    return _EXAMPLE_HEAD + commented_toml(Settings) + "\n"


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")  # editors on Windows begin a file with a byte order mark
    except FileNotFoundError:
        raise ConfigurationError(
            f"{file}: no such file; `resegment config --example > {file}` writes one to start from"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: cannot be read: {reason_of(error)}") from error


def _parse(text: str, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: not valid TOML: {error}") from error


def _preset_values(name: Any) -> dict[str, Any]:
    file = _PRESETS / f"{name}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if name in get_args(Preset) and file.exists() else {}


def _sources(values: Mapping[str, Any], file: Path | None) -> dict[str, str]:
    """What set each setting; the preset is known only once environment and file are."""
    fields = setting_fields(Settings)
    variables = {key: name for name, key in environment_keys(fields, os.environ).items() if key}
    preset = os.environ[variables["preset"]] if "preset" in variables else values.get("preset")
    return (
        dict.fromkeys(fields, "default")
        | dict.fromkeys(flat_values(_preset_values(preset), fields), f"preset {preset}")
        | dict.fromkeys(flat_values(values, fields), str(file))
        | {key: f"environment {name}" for key, name in variables.items()}
    )


def _validated(values: Mapping[str, Any], sources: Mapping[str, str]) -> Settings:
    try:
        layers = _Layers(**values)
    except ValidationError as error:
        problems = [
            value_problem(problem, sources, secret_keys(setting_fields(Settings)))
            for problem in error.errors(include_url=False)
        ]
        raise ConfigurationError("\n".join(problems)) from None
    except LookupError as error:  # an unknown encoding is one, and pydantic lets it through
        raise ConfigurationError(f"{sources['source.encoding']}: [source] {error}") from None
    return Settings(**{name: getattr(layers, name) for name in Settings.model_fields})


def _with_lines(sources: Mapping[str, str], file: Path | None, text: str) -> dict[str, str]:
    lines = key_lines(text)
    return {
        key: f"{source}:{lines[key]}" if source == str(file) and key in lines else source
        for key, source in sources.items()
    }


def _with_absolute_paths(settings: Settings, folder: Path) -> Settings:
    warehouse, source = settings.warehouse, settings.source
    paths: dict[str, Any] = {
        "path": folder / warehouse.path.expanduser(),
        "serving": folder / warehouse.serving.expanduser(),
    }
    if warehouse.erasure_key:
        paths["erasure_key"] = folder / warehouse.erasure_key.expanduser()
    if warehouse.spark.exchange:
        exchange = folder / warehouse.spark.exchange.expanduser()
        paths["spark"] = warehouse.spark.model_copy(update={"exchange": exchange})
    pattern = os.path.join(glob.escape(str(folder)), os.path.expanduser(source.path))  # noqa: PTH111, PTH118 - a glob
    merges = str(folder / Path(source.merges).expanduser()) if source.merges else ""
    located = source.model_copy(update={"path": pattern, "merges": merges})
    return settings.model_copy(update={"warehouse": warehouse.model_copy(update=paths), "source": located})
