"""What the configuration says about where data comes from and where it is kept."""

import codecs
import re
from enum import StrEnum
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

#: Our columns a source can map; the first four must be there.
REQUIRED_COLUMNS = ("invoice_no", "quantity", "invoiced_at", "unit_price")
OPTIONAL_COLUMNS = ("customer_id", "product", "description", "country", "line_id")

#: What DuckDB's strptime knows.
_DIRECTIVE = re.compile("%(-?[dHIjmMSy]|[aAbBcfgGnpuUVwWxXYzZ%])")


#: Settings of `[source]` that say how files are found and written; rows of a database come typed and in slices.
_OF_FILES = ("path", "format", "mode", "encoding", "delimiter", "quote", "header", "decimal_separator",
             "thousands_separator", "settle_seconds")  # fmt: skip
_PASSWORD_IN_URI = re.compile(r"://[^/@:]*:(?!\{password\}@).*@|[?&;](password|pwd)=(?!\{password\})", re.IGNORECASE)


class SourceKind(StrEnum):
    """files: delivered files; database: rows pulled in slices."""

    FILES = "files"
    DATABASE = "database"


class Engine(StrEnum):
    """What connects to a database: an ADBC driver, or connectorx."""

    ADBC = "adbc"
    CONNECTORX = "connectorx"


class StepEngine(StrEnum):
    """What computes the heavy steps: DuckDB, or Spark from so many rows on."""

    DUCKDB = "duckdb"
    SPARK = "spark"


class DeliveryMode(StrEnum):
    """replace: new content of a unit takes the place of its former lines; append: it comes on top of them."""

    REPLACE = "replace"
    APPEND = "append"


class Duplicates(StrEnum):
    """drop: a line equal to an earlier one is a duplicate; keep: every line counts."""

    DROP = "drop"
    KEEP = "keep"


class FileFormat(StrEnum):
    """Formats of delivered files; auto goes by the file's name."""

    AUTO = "auto"
    CSV = "csv"
    PARQUET = "parquet"
    JSONL = "jsonl"
    XLSX = "xlsx"


class ColumnMapping(BaseModel):
    """Section `[source.columns]`: ours = "theirs". An optional column is left out by mapping it to ""."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    invoice_no: str = "InvoiceNo"
    product: str = "StockCode"
    description: str = "Description"
    quantity: str = "Quantity"
    invoiced_at: str = "InvoiceDate"
    unit_price: str = "UnitPrice"
    customer_id: str = "CustomerID"
    country: str = "Country"
    line_id: str = ""


class DatabaseParams(BaseModel):
    """Section `[source.database]`: where the rows are and how they are pulled, for kind = "database"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str = Field(
        "", description='as "postgresql://reader@db.example.com/shop": no password, or {password} in its place'
    )
    password_env: str = Field("RESEGMENT_SOURCE_PASSWORD", description="environment variable that holds the password")
    password_secret: str = Field("", description="Prefect secret block that holds it; wins over the variable")
    engine: Engine = Field(Engine.ADBC, description="adbc (streams a slice) or connectorx (holds it in memory)")
    table: str = Field("", description='table or view, as "shop.order_lines"')
    query: str = Field("", description="a SELECT instead of a table, for joins and casts")
    watermark: str = Field("", description="column that grows with every change: a time, a date or a whole number")
    look_back: str = Field(
        "1d", description="how far behind the newest row pulled last time to read again: 30s, 15min, 6h, 1d, 2w; of a "
        "numeric watermark a number, as 5000",
    )  # fmt: skip
    slice_rows: int = Field(100_000, ge=1, description="rows pulled at a time; more where they share one watermark")
    retries: int = Field(5, ge=0, description="how often a slice is tried again, after 1, 2, 4, ... seconds")

    @field_validator("look_back")
    @classmethod
    def _known_span(cls, value: str) -> str:
        if not re.fullmatch(r"\d+ ?(s|min|h|d|w)?", value):
            raise ValueError('write it as 30s, 15min, 6h, 1d or 2w; for a numeric watermark as a number, "5000"')
        return value


class SourceParams(BaseModel):
    """Section `[source]`: which files, how they are written and what their columns are called; or which database."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: SourceKind = Field(SourceKind.FILES, description="files or database")
    name: str = Field("shop", min_length=1, description="name of the source in the warehouse")
    path: str = Field("data/*.csv", description="glob of the delivered files, relative to the configuration file")
    format: FileFormat = Field(FileFormat.AUTO, description="auto (by name), csv, parquet, jsonl or xlsx")
    mode: DeliveryMode = Field(DeliveryMode.REPLACE, description="replace or append")
    duplicates: Duplicates = Field(Duplicates.DROP, description="drop or keep lines equal to an earlier line")
    columns: ColumnMapping = ColumnMapping()
    database: DatabaseParams = DatabaseParams()
    encoding: str = Field("utf-8", description="utf-8, windows-1252, iso-8859-1 or any other Python knows")
    delimiter: str = Field(",", min_length=1, max_length=4, description="what separates the columns of a CSV file")
    quote: str = Field('"', max_length=1, description="quoting character of a CSV file")
    header: bool = Field(True, description="false: columns are called column0, column1, ...")
    decimal_separator: str = Field(
        ".", min_length=1, max_length=1, description="of numbers written as text (CSV, Parquet)"
    )
    thousands_separator: str = Field(
        "", max_length=1, description="between groups of three digits, as decimal_separator"
    )
    date_format: str = Field("", description='strptime format of invoiced_at, as "%d/%m/%Y %H:%M"; empty: ISO 8601')
    time_zone: str = Field("", description="zone of delivered times without an offset; empty: the shop's own")
    missing_values: tuple[str, ...] = Field(
        ("", "NULL", "null", "None", "NaN", "nan", "N/A"), description="texts that mean: no value"
    )
    cancellation_prefix: str = Field("C", description="invoice numbers beginning so are returns; empty: no such rule")
    merges: str = Field(
        "", description="file of merged customers, columns old and new, relative to the configuration file"
    )
    settle_seconds: float = Field(
        0, ge=0, description="a file changed less than this long ago is left for the next night, as still being written"
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return value if not value else known_zone(value)

    @field_validator("date_format")
    @classmethod
    def _known_directives(cls, value: str) -> str:
        unknown = [text for text in re.findall(r"%-?.?", value) if not _DIRECTIVE.fullmatch(text)]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no directive of strptime; usual are %d %m %Y %y %b %H %I %M %S %p %z")
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            codecs.lookup(value)
        except LookupError:
            raise ValueError(f"unknown encoding {value!r}; usual are utf-8, windows-1252 and iso-8859-1") from None
        return value

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind is SourceKind.FILES:
            if self.database != DatabaseParams():
                raise ValueError('[source.database] is for kind = "database"; this source\'s kind is "files"')
            return self
        unfit = [name for name in _OF_FILES if getattr(self, name) != type(self).model_fields[name].default]
        if unfit:
            raise ValueError(f'{", ".join(unfit)}: for kind = "files" only; leave out for kind = "database"')
        database = self.database
        missing = [name for name in ("uri", "watermark") if not getattr(database, name)]
        if missing:
            raise ValueError(f'kind = "database" needs [source.database] {" and ".join(missing)}')
        if bool(database.table) == bool(database.query):
            raise ValueError('kind = "database" needs [source.database] table or query, one of them')
        if "://" not in database.uri and ":" not in database.uri:
            raise ValueError('[source.database] uri begins with the kind of database, as "postgresql://"')
        if _PASSWORD_IN_URI.search(database.uri):
            raise ValueError(
                f"[source.database] uri holds a password; take it out and put it into the environment variable "
                f"{database.password_env} (or name a Prefect secret in password_secret)"
            )
        return self


class TablesParams(BaseModel):
    """Section `[warehouse.tables]`: what the published tables of products leave out and how they are smoothed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    service_products: tuple[str, ...] = Field(
        ("POST", "DOT", "C2", "D", "M", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK", "gift_*"),
        description="product codes that are no goods, as postage and fees, in any case; with * and ? as in file names",
    )
    top_products: int = Field(50, ge=1, description="products in top_products")
    affinity_min_buyers: int = Field(10, ge=1, description="products fewer segmented customers bought have no affinity")
    affinity_smoothing: float = Field(
        20, ge=0, description="customers with the habits of all that are added to each segment: small ones stay near 1"
    )


class SparkParams(BaseModel):
    """Section `[warehouse.spark]`: where Spark is and which steps are worth its start, for engine = "spark"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    master: str = Field("", description='master URL, as "spark://host:7077", or "local[*]" for this machine')
    from_rows: int = Field(
        1_000_000, ge=0, description="rows a step must have for Spark to do it; those of fewer stay in DuckDB"
    )
    exchange: Path | None = Field(
        None,
        description="folder for Parquet between DuckDB and Spark, which all executors reach under the same path; "
        "unset: beside the private file",
    )
    options: dict[str, str] = Field({}, description='options of Spark\'s own, as "spark.executor.memory" = "4g"')


class WarehouseParams(BaseModel):
    """Section `[warehouse]`: where the private file and the published versions live, and what DuckDB may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(Path("warehouse.duckdb"), description="the private DuckDB file")
    serving: Path = Field(Path("serving"), description="folder of the published versions")
    memory_limit: str = Field("", description='most memory DuckDB takes, as "1GiB"; empty: 80 % of the machine\'s')
    threads: int | None = Field(None, ge=1, description="threads of DuckDB; unset: one per core")
    erasure_key: Path | None = Field(
        None, description="file with the key that tells erased customers; unset: beside the private file"
    )
    engine: StepEngine = Field(
        StepEngine.DUCKDB, description="duckdb, or spark for large steps: lines to invoices, activity, assignment"
    )
    spark: SparkParams = SparkParams()
    tables: TablesParams = TablesParams()

    @model_validator(mode="after")
    def _spark_has_a_master(self) -> Self:
        if self.engine is StepEngine.SPARK and not self.spark.master:
            raise ValueError('engine = "spark" needs [warehouse.spark] master, as "spark://host:7077" or "local[*]"')
        return self


class RetentionParams(BaseModel):
    """Section `[retention]`: how long versions, lines and quarantine stay; invoices and history stay for ever."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    daily_days: int | None = Field(
        400,
        ge=1,
        description="days after which a version's directory may go, unless it is the last of its month; unset: never",
    )
    grace_days: int = Field(
        7, ge=0, description="days between a version being marked as pruned, or superseded, and its directory going"
    )
    lines_years: int | None = Field(
        None,
        ge=1,
        le=100,
        description="years after which lines go, by whole months; invoices and totals stay; unset: never",
    )
    quarantine_days: int | None = Field(
        None, ge=1, description="days after its delivery a quarantined line goes; it stays counted; unset: never"
    )


def known_zone(name: str) -> str:
    """Return `name` if it is an IANA time zone; raise ValueError otherwise."""
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):  # not there; a path; a folder such as "Europe"
        raise ValueError(f"unknown time zone {name!r}; use an IANA name such as Europe/London") from None
