"""What the configuration says about the report."""

from pydantic import BaseModel, ConfigDict, Field


class ReportParams(BaseModel):
    """Section `[report]`: the page of pictures beside each version that becomes current."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(True, description="whether a night writes report.html beside the version readers see")
    currency: str = Field("", max_length=8, description="sign or code put to sums of money in the report, as £ or EUR")
