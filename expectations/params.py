"""Thresholds of the checks: every field is a `$PARAMETER` of the suites in this folder."""

from pydantic import BaseModel, ConfigDict, Field


class CheckParams(BaseModel):
    """Section `[checks]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_batch_lines: int = Field(1, ge=0, description="fewer lines in a night's deliveries stop the run")
    max_batch_growth: float = Field(20, gt=1, description="a day's lines over its usual count by this factor warn")
    max_missing_customer_share: float = Field(0.6, ge=0, le=1, description="share of lines without customer that warns")
    max_quarantined_share: float = Field(0.2, ge=0, le=1, description="share of quarantined lines that stops the run")
    warn_quarantined_share: float = Field(0.05, ge=0, le=1, description="share of quarantined lines that warns")
    max_unit_price: float = Field(100_000, gt=0, description="a higher price warns")
    max_quantity: float = Field(1_000_000, gt=0, description="a higher quantity, either sign, warns")
    max_lost_share: float = Field(0.2, ge=0, le=1, description="share of a unit's lines a replacement may lose")
    stale_days_warn: int = Field(4, ge=0, description="days between the newest line and as_of that warn")
    stale_days_stop: int = Field(31, ge=0, description="days between the newest line and as_of that stop the run")
    min_segment_share: float = Field(0.0, ge=0, le=1, description="a segment with a smaller share of customers warns")
