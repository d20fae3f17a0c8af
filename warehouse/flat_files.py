"""The published tables as plain files, for tools that speak no DuckDB."""

import hashlib
import json
from pathlib import Path
from typing import Any

import polars

from warehouse.durable import make_folder, write_whole
from warehouse.errors import WarehouseError
from warehouse.failures import explaining_files
from warehouse.frame_files import FileKind, encode
from warehouse.reading import explaining_version, open_file, version_file_of, version_of
from warehouse.text import quoted

#: As other files of what is published.
_FOR_ALL = 0o644


class FlatFileError(WarehouseError):
    """The files cannot be written."""


def write_tables(serving: Path, folder: Path, kind: FileKind, version_id: int | None = None) -> dict[str, Any]:
    """Write every published table and view as a file under its name; return the manifest, which is written last.

    Each file is replaced at once, so that a reader sees the former or the new one; `manifest.json` tells the version,
    and each file's rows and sha256. Lists, which CSV cannot hold, become texts there. They are for tools of other
    accounts, so everybody may read them, as the version they are of, whatever the umask; who may not is kept out of
    the folder, whose mode stays as it is.

    Raises
    ------
    NothingPublishedError
        There is no such version.
    FlatFileError
        The folder cannot be written.
    """
    file = version_file_of(serving, version_id)
    manifest: dict[str, Any] = {"version_id": version_of(file), "format": kind, "files": {}}
    with (
        explaining_files("The tables cannot be written", folder, FlatFileError),
        explaining_version(file),
        open_file(file) as connection,
    ):
        make_folder(folder)
        named = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main' ORDER BY table_name"
        ).fetchall()
        for (table,) in named:
            described = connection.execute(f"DESCRIBE {quoted(table)}").fetchall()
            lists = [column[0] for column in described if column[1].endswith("[]")] if kind == "csv" else []
            texts = ", ".join(f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" for name in lists)
            replaced = f" REPLACE ({texts})" if lists else ""
            rows = polars.DataFrame(connection.sql(f"SELECT *{replaced} FROM {quoted(table)}").to_arrow_table())
            content, _ = encode(rows, kind)
            write_whole(folder / f"{table}.{kind}", content, _FOR_ALL)
            manifest["files"][f"{table}.{kind}"] = {
                "rows": rows.height,
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        write_whole(folder / "manifest.json", json.dumps(manifest, indent=2).encode() + b"\n", _FOR_ALL)
    return manifest
