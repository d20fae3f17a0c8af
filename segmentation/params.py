"""The values that decide what a segment is: which features, how they are transformed, how clusters are fitted."""

import hashlib
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

#: Built-in columns of the features relation; any of them can be an input of the model.
INPUTS = (
    "recency_days",
    "frequency",
    "monetary",
    "average",
    "tenure_days",
    "days_between_orders",
    "return_rate",
    "distinct_products",
    "items_per_order",
    "active_months",
)


_MOST_SEGMENTS = 50


class Transform(StrEnum):
    """What happens to a feature before it is standardised."""

    NONE = "none"
    LOG1P = "log1p"
    WINSORIZE = "winsorize"
    IQR = "iqr"


class Money(StrEnum):
    """What counts as monetary: net of returns (floored at 0 for the model) or gross purchases."""

    NET = "net"
    GROSS = "gross"


class FeatureParams(BaseModel):
    """Section `[features]`: the inputs of the model, in order, and the span of history they look at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: tuple[str, ...] = Field(
        ("recency_days", "frequency", "monetary"),
        description=f"features the model sees, in order: {', '.join(INPUTS)}, or columns of sql",
        min_length=1,
    )
    money: Money = Field(Money.NET, description="net: purchases minus returns; gross: purchases only")
    window_days: int | None = Field(None, ge=1, description="trailing window of R, F, M, A in days; unset: all history")
    sql: str = Field(
        "", description="file with a SELECT of customer_id and numeric columns of your own that inputs may name"
    )

    @model_validator(mode="after")
    def _known_inputs(self) -> "FeatureParams":
        unknown = [name for name in self.inputs if name not in INPUTS]
        if unknown and not self.sql:
            raise ValueError(f"unknown feature {unknown[0]!r}; known are {', '.join(INPUTS)}")
        if len(set(self.inputs)) != len(self.inputs):
            raise ValueError("a feature is listed twice")
        return self


class KSearchParams(BaseModel):
    """Section `[model.k_search]`: which numbers of segments are tried and which of them is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    smallest_k: int = Field(3, ge=1, le=50, description="smallest number of segments that is tried")
    largest_k: int = Field(8, ge=1, le=50, description="largest number of segments that is tried")
    bootstraps: int = Field(10, ge=1, description="resamples of the customers that stability is measured on")
    min_stability: float = Field(
        0.8, ge=0, le=1, description="least mean adjusted Rand index between the segments and those of the resamples"
    )
    min_share: float = Field(0.02, ge=0, lt=1, description="least share of the customers in the smallest segment")
    tolerance: float = Field(
        0.02, ge=0, le=2, description="a silhouette (or stability) lower by no more than this counts as just as good"
    )

    @model_validator(mode="after")
    def _growing_range(self) -> "KSearchParams":
        if self.smallest_k > self.largest_k:
            raise ValueError(f"smallest_k {self.smallest_k} is above largest_k {self.largest_k}")
        return self

    @property
    def ks(self) -> range:
        """Numbers of segments that are tried."""
        return range(self.smallest_k, self.largest_k + 1)


class ModelParams(BaseModel):
    """Section `[model]`: the transform of each feature, K-Means and how it is carried from night to night."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    k: int | Literal["auto"] = Field(
        "auto", description="number of segments, or auto: chosen at each refit by the rule of [model.k_search]"
    )
    transform: Transform = Field(Transform.WINSORIZE, description="none, log1p, winsorize or iqr")
    transforms: dict[str, Transform] = Field(default_factory=dict, description="transform of single features by name")
    winsorize_quantiles: tuple[float, float] = Field(
        (0.01, 0.99), description="values outside are set to these quantiles"
    )
    iqr_factor: float = Field(
        1.5, gt=0, description="values beyond this many interquartile ranges are set to the fence"
    )
    seed: int = Field(42, ge=0, description="random_state of every random choice")
    n_init: int = Field(10, ge=1, description="k-means++ starts of a refit")
    update_iterations: int = Field(
        3, ge=1, description="Lloyd iterations of a nightly update, from last night's centroids"
    )
    cell_width: float = Field(0.1, gt=0, description="grid of the weighted summary, in standard deviations")
    exact_up_to: int = Field(50_000, ge=1, description="up to so many customers the summary is every distinct point")
    silhouette_sample: int = Field(
        10_000, ge=100, description="silhouette is exact up to 20,000 customers; above that, on a sample of this size"
    )

    k_search: KSearchParams = KSearchParams()

    @field_validator("k", mode="before")
    @classmethod
    def _number_or_auto(cls, value: object) -> object:
        number = int(value) if isinstance(value, str) and value.isdecimal() else value
        if number == "auto" or (isinstance(number, int) and 1 <= number <= _MOST_SEGMENTS):
            return number
        raise ValueError(f'should be a whole number from 1 to {_MOST_SEGMENTS}, or "auto"')

    @model_validator(mode="after")
    def _ordered_quantiles(self) -> "ModelParams":
        low, high = self.winsorize_quantiles
        if not 0 <= low < high <= 1:
            raise ValueError("winsorize_quantiles must be two growing numbers between 0 and 1")
        return self

    def transform_of(self, feature: str) -> Transform:
        """Transform of one feature: its own, else the common one."""
        return self.transforms.get(feature, self.transform)


class RefitParams(BaseModel):
    """Section `[refit]`: what a night does with its model, and when it is fitted anew."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    nightly: Literal["update", "assign"] = Field(
        "update", description="update: move the centroids a little every night; assign: keep them until the next refit"
    )
    every_days: int | None = Field(7, ge=1, description="days after which the model is fitted anew; unset: never")
    drift: float | None = Field(
        0.25, gt=0, description="population stability index of a feature above which it is fitted anew; unset: never"
    )


class Levels(BaseModel):
    """How many standard deviations from the average customer count as different, and as very different."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    different: float = Field(0.5, gt=0, description="standard deviations from which a customer differs from most")
    far: float = Field(1.5, gt=0, description="standard deviations from which a customer differs a lot")

    @model_validator(mode="after")
    def _ordered(self) -> "Levels":
        if self.far <= self.different:
            raise ValueError(f"far ({self.far}) has to be greater than different ({self.different})")
        return self


class ExplainingParams(BaseModel):
    """Section `[explaining]`: when a customer is borderline or differs from most, and how far ahead to look."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    borderline_margin: float = Field(0.1, ge=0, le=1, description="customers with a smaller margin are borderline")
    levels: Levels = Levels()
    horizon_days: int = Field(1095, ge=1, description="a move later than so many days after as_of is not foretold")


class ScoringParams(BaseModel):
    """Section `[scoring]`: the scored RFM beside the segments."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    money: Literal["monetary", "average"] = Field(
        "monetary", description="third digit of the score: monetary (RFM) or average order value (RFA)"
    )
    cuts: Literal["nightly", "refit"] = Field(
        "nightly", description="when quintiles are cut anew: every night, or kept until the model is refitted"
    )


class BreakerParams(BaseModel):
    """Section `[breaker]`: what holds a new version back, compared with the published one before it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_moved_share: float = Field(
        0.1, gt=0, lt=1, description="share of the customers that may change segment in one day"
    )
    max_moved_share_overall: float = Field(
        0.5, gt=0, le=1, description="share that may change segment however many days lie between two versions"
    )
    max_segment_loss: float = Field(
        0.5, gt=0, le=1, description="part of its share of the customers that a segment may lose"
    )
    min_customers: int = Field(
        300, ge=0, description="with fewer customers in both versions chance alone moves too many, and nothing is held"
    )
    min_segment_customers: int = Field(
        30, ge=1, description="segments that had fewer customers than this are not watched"
    )
    warn_psi: float = Field(0.1, gt=0, description="population stability index above which drift is worth a warning")
    max_psi: float = Field(0.25, gt=0, description="population stability index above which a version is held")


def params_fingerprint(features: FeatureParams, model: ModelParams) -> str:
    """Hex digest that changes whenever a parameter that shapes the segments changes."""
    text = features.model_dump_json() + model.model_dump_json()
    return hashlib.sha256(text.encode()).hexdigest()[:16]
