"""Transform, scaling and weighted summary of the features, as SQL text over a relation of one row a customer.

The relation has `customer_id` and the inputs as finite DOUBLE columns. Sums are taken over integers, because parallel
sums of floats differ from run to run and the same input has to give the same segments bit for bit.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pydantic import BaseModel, ConfigDict

from segmentation.errors import SegmentationError
from segmentation.params import FeatureParams, ModelParams, Transform

#: Units a value is counted in before it is summed. Money has four decimals, so nothing is lost of it.
_MOMENT_UNITS = {Transform.LOG1P: 10**12}
_MOMENT_UNITS_OTHERWISE = 10**4
#: Units of a standardised value in the summary. Absolute values over n customers sum to n at most: no overflow.
Z_UNITS = 10**9


class FeatureScaling(BaseModel):
    """How one feature is transformed and standardised; `lower` and `upper` are the limits it is clipped to."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    feature: str
    transform: Transform
    lower: float | None = None
    upper: float | None = None
    mean: float
    scale: float


class Scaler(BaseModel):
    """Scaling of all inputs, in the order of the centroids' columns; its JSON brings back the very same floats."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: tuple[FeatureScaling, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return tuple(scaling.feature for scaling in self.features)


def literal_sql(value: float) -> str:
    """DOUBLE literal that DuckDB reads as exactly `value` (without an exponent it would be a DECIMAL)."""
    text = repr(float(value))
    return f"({text})" if "e" in text else f"({text}e0)"


def bounds_sql(features: FeatureParams, model: ModelParams, relation: str) -> str | None:
    """Query of one row with `<feature>_lower` and `<feature>_upper` of the inputs that are clipped; None if none is.

    Quantiles are values of the data. Where the quartiles coincide there is no spread to measure outliers with, and the
    fences are NULL: clipping to them would erase the feature.
    """
    columns = []
    for feature in features.inputs:
        transform = model.transform_of(feature)
        if transform is Transform.WINSORIZE:
            low, high = (f"quantile_disc({feature}, {quantile!r})" for quantile in model.winsorize_quantiles)
        elif transform is Transform.IQR:
            low, high = _fences_sql(feature, model.iqr_factor)
        else:
            continue
        columns += [f"{low} AS {feature}_lower", f"{high} AS {feature}_upper"]
    return f"SELECT {', '.join(columns)} FROM {relation}" if columns else None


def _fences_sql(feature: str, factor: float) -> tuple[str, str]:
    first, third = (f"quantile_disc({feature}, {quantile})" for quantile in (0.25, 0.75))
    reach = f"{literal_sql(factor)} * nullif({third} - {first}, 0)"
    return f"{first} - {reach}", f"{third} + {reach}"


def moments_sql(
    features: FeatureParams, model: ModelParams, bounds: Mapping[str, float | None] | None, relation: str
) -> str:
    """Query of one row: `customers` and, per input, the moments `scaler_from_moments` needs.

    `bounds` is the row of `bounds_sql` by column name. Sums are whole numbers of small units, as text: they are too
    long for a BIGINT, and a HUGEINT turns into a float on its way to numpy.
    """
    columns = ["count(*) AS customers"]
    for feature in features.inputs:
        transform = model.transform_of(feature)
        value = _transformed_sql(feature, transform, *_bounds_of(feature, bounds))
        counted = f"CAST(round({value} * {_moment_units(transform)}) AS HUGEINT)"
        columns += [
            f"CAST(sum({counted}) AS VARCHAR) AS {feature}_sum",
            f"CAST(sum({counted} * {counted}) AS VARCHAR) AS {feature}_squares",
            f"min({value}) AS {feature}_least",
            f"max({value}) AS {feature}_greatest",
        ]
    return f"SELECT {', '.join(columns)} FROM {relation}"


def scaler_from_moments(
    features: FeatureParams,
    model: ModelParams,
    bounds: Mapping[str, float | None] | None,
    moments: Mapping[str, Any],
) -> Scaler:
    """Scaler with the population standard deviation; a constant feature gets scale 1, so that it is 0 for everybody.

    `bounds` and `moments` are the rows of `bounds_sql` and `moments_sql` by column name.
    Raises SegmentationError if there are no customers.
    """
    if not moments["customers"]:
        raise SegmentationError("no customer has a purchase to segment by; load transactions or widen window_days")
    scalings = []
    for feature in features.inputs:
        transform = model.transform_of(feature)
        lower, upper = _bounds_of(feature, bounds)
        mean, scale = _mean_and_scale(feature, _moment_units(transform), moments)
        scalings.append(
            FeatureScaling(feature=feature, transform=transform, lower=lower, upper=upper, mean=mean, scale=scale)
        )
    return Scaler(features=tuple(scalings))


def _mean_and_scale(feature: str, units: int, moments: Mapping[str, Any]) -> tuple[float, float]:
    least, greatest = moments[f"{feature}_least"], moments[f"{feature}_greatest"]
    if least is None or greatest is None or not math.isfinite(least) or not math.isfinite(greatest):
        raise SegmentationError(f"feature {feature} is not a finite number for every customer; check its query")
    if least == greatest:
        return float(least), 1.0
    customers, total, squares = (int(moments[name]) for name in ("customers", f"{feature}_sum", f"{feature}_squares"))
    variance = Fraction(customers * squares - total**2, (customers * units) ** 2)
    return float(Fraction(total, customers * units)), math.sqrt(variance) or 1.0


def transform_sql(scaler: Scaler) -> dict[str, str]:
    """SQL expression of the standardised value of each feature: the one implementation of transform and scaling."""
    return {
        scaling.feature: f"({_transformed_sql(scaling.feature, scaling.transform, scaling.lower, scaling.upper)}"
        f" - {literal_sql(scaling.mean)}) / {literal_sql(scaling.scale)}"
        for scaling in scaler.features
    }


def standardised_sql(scaler: Scaler, relation: str, *, keep: str = "") -> str:
    """Query of the standardised features as columns z0, z1, ...; `keep` is a column to carry along."""
    columns = [keep] if keep else []
    columns += [f"{expression} AS z{index}" for index, expression in enumerate(transform_sql(scaler).values())]
    return f"SELECT {', '.join(columns)} FROM {relation}"


def summary_sql(scaler: Scaler, cell_width: float, relation: str, *, exact: bool = False) -> str:
    """Query of the weighted summary: one row a grid cell, in the order of the cells, for `summary_from_columns`.

    `cell_width` is in standard deviations. Columns: `customers`, `<feature>_sum` (standardised, in units of 1e-9) and
    `squares`, the sum of squares over all features in the same units. With `exact`, each distinct standardised point
    (rounded to 1e-9) is a cell, in no order, and there are no `squares`.
    """
    zs = [f"z{index}" for index in range(len(scaler.features))]
    counted = [f"CAST(round({z} * {Z_UNITS}) AS BIGINT)" for z in zs]
    columns = ["count(*) AS customers"]
    columns += [_sum_sql(value, f"{name}_sum") for value, name in zip(counted, scaler.names, strict=True)]
    if exact:
        keys = counted
    else:
        keys = [f"CAST(floor({z} / {literal_sql(cell_width)}) AS BIGINT)" for z in zs]
        squares = " + ".join(f"{z} * {z}" for z in zs)
        columns.append(_sum_sql(f"CAST(round(({squares}) * {Z_UNITS}) AS BIGINT)", "squares"))
    return (
        f"WITH standardised AS ({standardised_sql(scaler, relation)}) "
        f"SELECT {', '.join(columns)} FROM standardised GROUP BY {', '.join(keys)}"
        + ("" if exact else f" ORDER BY {', '.join(keys)}")
    )


def _sum_sql(value: str, name: str) -> str:
    return f"CAST(sum({value}) AS BIGINT) AS {name}"


def _moment_units(transform: Transform) -> int:
    return _MOMENT_UNITS.get(transform, _MOMENT_UNITS_OTHERWISE)


def _bounds_of(feature: str, bounds: Mapping[str, float | None] | None) -> tuple[float | None, float | None]:
    found = bounds or {}
    return found.get(f"{feature}_lower"), found.get(f"{feature}_upper")


def _transformed_sql(feature: str, transform: Transform, lower: float | None, upper: float | None) -> str:
    if transform is Transform.LOG1P:
        return f"ln(1 + greatest({feature}, 0))"
    if lower is None or upper is None:
        return feature
    return f"least(greatest({feature}, {literal_sql(lower)}), {literal_sql(upper)})"
