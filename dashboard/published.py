"""What one published version says, as frames: aggregates only, never a row of a customer."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse import reading

if TYPE_CHECKING:
    import polars as pl

_TABLES = (
    "check_results",
    "cohort_retention",
    "data_quality",
    "k_search",
    "model_parameters",
    "product_affinity",
    "quarantine_reasons",
    "rfm_crosstab",
    "rfm_heatmap",
    "sales_by_country",
    "sales_monthly",
    "segment_countries",
    "segment_kpis_monthly",
    "segment_lineage",
    "segment_map",
    "segment_map_axes",
    "segment_movements",
    "segment_profiles",
    "segment_profiles_history",
    "segment_versions",
    "top_products",
    "version_quality",
)


@dataclass(frozen=True)
class Published:
    """Tables of one version by name; a version made by an older release may lack some."""

    tables: Mapping[str, "pl.DataFrame"]

    def table(self, name: str, *columns: str) -> "pl.DataFrame | None":
        """A table; None if it or one of the columns is not in the file."""
        found = self.tables.get(name)
        return found if found is not None and set(columns) <= set(found.columns) else None

    @cached_property
    def profiles(self) -> "pl.DataFrame":
        """The segments in the order of their birth, which is the same in every version and picture."""
        return self.tables["segment_profiles"].sort("segment_key")

    @cached_property
    def version(self) -> dict[str, Any]:
        """This version's own row."""
        return self._version(self.profiles["version_id"][0]) or {}

    @cached_property
    def previous(self) -> dict[str, Any] | None:
        """The row of the version the movements are relative to."""
        return self._version(self.version["previous_version_id"])

    @cached_property
    def moves(self) -> "pl.DataFrame":
        """Movements of this version."""
        import polars as pl

        return self.tables["segment_movements"].filter(pl.col("version_id") == self.version["version_id"])

    def parameter(self, name: str) -> str | None:
        """A setting or fact of the model; None if it is not set, or the file does not tell."""
        table = self.table("model_parameters")
        return None if table is None else dict(table.select("name", "value").iter_rows()).get(name)

    def _version(self, version_id: int | None) -> dict[str, Any] | None:
        rows = self.tables["segment_versions"].rows(named=True)
        return next((row for row in rows if row["version_id"] == version_id), None)


def read_published(file: Path) -> Published:
    """Read the file of one version."""
    return Published(reading.frames(file, _TABLES))
