"""The folder of a shop as tests make one: deliveries, a configuration, and what nights made of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self


@dataclass(frozen=True)
class ShopFolder:
    """Deliveries are CSV files in `data`."""

    folder: Path
    #: Where the warehouse is in the folder.
    warehouse_file: ClassVar[str] = "warehouse.duckdb"

    @property
    def config(self) -> Path:
        return self.folder / "resegment.toml"

    @property
    def serving(self) -> Path:
        return self.folder / "serving"

    @property
    def warehouse(self) -> Path:
        return self.folder / self.warehouse_file

    def configure(self, text: str = "") -> Self:
        """Write the configuration; `text` goes on in [source] and may have sections of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        paths = f'[warehouse]\npath = "{self.warehouse_file}"\nserving = "serving"\nthreads = 1\n'
        self.config.write_text(
            f'{paths}[report]\nenabled = false\n[source]\npath = "data/*.csv"\n{text}', encoding="utf-8"
        )
        return self
