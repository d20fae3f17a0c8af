"""The values that decide what a segment is: which features, how they are transformed, how clusters are fitted."""

import hashlib
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: Columns of the features relation that can be an input of the model.
INPUTS = ("recency_days", "frequency", "monetary", "average")


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
        description="features the model sees: recency_days, frequency, monetary, average",
        min_length=1,
    )
    money: Money = Field(Money.NET, description="net: purchases minus returns; gross: purchases only")
    window_days: int | None = Field(None, ge=1, description="trailing window of R, F, M, A in days; unset: all history")

    @model_validator(mode="after")
    def _known_inputs(self) -> "FeatureParams":
        unknown = [name for name in self.inputs if name not in INPUTS]
        if unknown:
            raise ValueError(f"unknown feature {unknown[0]!r}; known are {', '.join(INPUTS)}")
        if len(set(self.inputs)) != len(self.inputs):
            raise ValueError("a feature is listed twice")
        return self


class ModelParams(BaseModel):
    """Section `[model]`: the transform of each feature, K-Means and how it is carried from night to night."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    k: int = Field(4, ge=1, le=50, description="number of segments")
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

    @model_validator(mode="after")
    def _ordered_quantiles(self) -> "ModelParams":
        low, high = self.winsorize_quantiles
        if not 0 <= low < high <= 1:
            raise ValueError("winsorize_quantiles must be two growing numbers between 0 and 1")
        unknown = [name for name in self.transforms if name not in INPUTS]
        if unknown:
            raise ValueError(f"transforms: unknown feature {unknown[0]!r}; known are {', '.join(INPUTS)}")
        return self

    def transform_of(self, feature: str) -> Transform:
        """Transform of one feature: its own, else the common one."""
        return self.transforms.get(feature, self.transform)


def params_fingerprint(features: FeatureParams, model: ModelParams) -> str:
    """Hex digest that changes whenever a parameter that shapes the segments changes."""
    text = features.model_dump_json() + model.model_dump_json()
    return hashlib.sha256(text.encode()).hexdigest()[:16]
