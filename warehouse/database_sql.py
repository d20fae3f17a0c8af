"""SQL for the database a source pulls from: as plain as the standard allows, with the few words dialects differ in.

Numbers are asked for as text: what a driver makes of NUMERIC is a binary float or loses digits in some of them.
"""

from dataclasses import dataclass

from warehouse.database_slices import Axis, Slice, written
from warehouse.params import DatabaseParams
from warehouse.text import literal

_TEXT = {
    "postgresql": "TEXT",
    "sqlite": "TEXT",
    "mysql": "CHAR",
    "mssql": "NVARCHAR(4000)",
    "oracle": "VARCHAR2(4000)",
    "bigquery": "STRING",
}
_BACKTICKS = ("mysql", "bigquery")
_FETCH_FIRST = ("mssql", "oracle")
_SAME = {"postgres": "postgresql", "redshift": "postgresql", "mariadb": "mysql", "sqlserver": "mssql"}


def database_of(uri: str) -> str:
    """Kind of database a URI names, as "postgresql"."""
    scheme = uri.partition(":")[0].partition("+")[0].lower()
    return _SAME.get(scheme, scheme)


@dataclass(frozen=True)
class DatabaseSql:
    """Statements on the configured table or query."""

    params: DatabaseParams

    @property
    def _database(self) -> str:
        return database_of(self.params.uri)

    @property
    def _rows(self) -> str:
        if self.params.table:
            return f"{'.'.join(self._quoted(part) for part in self.params.table.split('.'))} delivered"
        return f"(\n{self.params.query.strip().rstrip(';')}\n) delivered"

    @property
    def _watermark(self) -> str:
        return self._quoted(self.params.watermark)

    def _quoted(self, name: str) -> str:
        mark = "`" if self._database in _BACKTICKS else '"'
        return mark + name.replace(mark, mark * 2) + mark

    def described_sql(self) -> str:
        """No rows, all columns."""
        return f"SELECT * FROM {self._rows} WHERE 1 = 0"

    def bounds_sql(self, after: int | None, axis: Axis) -> str:
        """One row: `newest` watermark and number of `rows_found` over `after`."""
        return (
            f"SELECT max({self._watermark}) AS newest, count({self._watermark}) AS rows_found "
            f"FROM {self._rows} WHERE {self._over(after, axis)}"
        )

    def without_sql(self) -> str:
        """One row: `rows_found` without a watermark."""
        return f"SELECT count(*) AS rows_found FROM {self._rows} WHERE {self._watermark} IS NULL"

    def border_sql(self, after: int | None, newest: int, axis: Axis) -> str:
        """Watermark of the row that fills a slice; no row if fewer are left."""
        skipped = self.params.slice_rows - 1
        first = f"OFFSET {skipped} ROWS FETCH NEXT 1 ROWS ONLY" if self._database in _FETCH_FIRST else (
            f"LIMIT 1 OFFSET {skipped}"
        )  # fmt: skip
        return (
            f"SELECT {self._watermark} AS border FROM {self._rows} WHERE {self._over(after, axis)} "
            f"AND {self._watermark} <= {self._value(newest, axis)} ORDER BY {self._watermark} {first}"
        )

    def slice_sql(self, one: Slice, axis: Axis, columns: dict[str, bool]) -> str:
        """Rows of a slice in the order of the watermark; `columns` says of each whether it is wanted as text."""
        wanted = ", ".join(self._as_text(name) if text else self._quoted(name) for name, text in columns.items())
        if one.upto is None:
            return f"SELECT {wanted} FROM {self._rows} WHERE {self._watermark} IS NULL"
        return (
            f"SELECT {wanted} FROM {self._rows} WHERE {self._over(one.after, axis)} "
            f"AND {self._watermark} <= {self._value(one.upto, axis)} ORDER BY {self._watermark}"
        )

    def _as_text(self, name: str) -> str:
        return f"CAST({self._quoted(name)} AS {_TEXT.get(self._database, 'VARCHAR')}) AS {self._quoted(name)}"

    def _over(self, after: int | None, axis: Axis) -> str:
        return f"{self._watermark} IS NOT NULL" if after is None else f"{self._watermark} > {self._value(after, axis)}"

    def _value(self, value: int, axis: Axis) -> str:
        return written(value, axis) if axis is Axis.NUMBER else literal(written(value, axis))
