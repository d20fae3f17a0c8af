"""What a person sees of a run in Prefect's pages: tables, the night in words and pictures, links to what was published.

Only counts, names of files and of segments go there, never a customer: Prefect's database is out of erasure's reach.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.pictures import Bar, bars
from tasks.wrapper import inside_flow_run
from warehouse import reading
from warehouse.store import Warehouse

Row = Mapping[str, Any]
_MOVEMENTS = """
SELECT coalesce(from_segment, '(new)') AS "from", coalesce(to_segment, '(gone)') AS "to", customers
FROM segment_movements WHERE version_id = {version_id} ORDER BY customers DESC, 1, 2
"""
_MOST_PICTURED = 12


def show_run(warehouse: Warehouse, run_id: str, status: Row) -> None:
    """Write the artifacts of a run that has ended, inside a flow run; `status` is what `status.json` says of it."""
    if not inside_flow_run():
        return
    loads = warehouse.rows("ops/run_loads", now=status["began"])
    checks = warehouse.rows("ops/run_checks", run_id=run_id)
    published = status.get("published") or {}
    segments = published.get("segments", [])
    moves = _movements(published)
    _table("resegment-deliveries", "Deliveries of this run: lines by outcome", loads)
    _table("resegment-checks", "Checks of this run, failed ones first", checks)
    _table("resegment-segments", "Segments of the version", [_segment(row) for row in segments])
    _table("resegment-movements", "Customers that moved since the version before", moves)
    _write("markdown", "resegment-night", "The night in words and pictures", night_text(status, loads, checks, moves))
    if published:
        _link("resegment-version", f"Version {published['version_id']}, a DuckDB file", Path(published["file"]))
    if status.get("report"):
        _link("resegment-report", "The report of the version readers see", Path(status["report"]))


def night_text(status: Row, loads: Sequence[Row], checks: Sequence[Row], moves: Sequence[Row]) -> str:
    """The night as Markdown."""
    parts = [
        f"# {str(status['command']).capitalize()} as of {status['as_of']}: {status['status']}",
        *(f"> {line}" for line in str(status["error"] or "").splitlines()),
        *_published(status.get("published") or {}),
        *_taken_in(loads, checks),
        *_pictured(status, moves),
    ]
    return "\n\n".join(parts) + "\n"


def _published(published: Row) -> list[str]:
    if not published:
        return []
    segments = published.get("segments")
    if not segments:
        return [f"**Version {published['version_id']}** stays: nothing new came."]
    made = f"{published['customers']:,} customers in {len(segments)} segments; {published['moved'] or 0:,} moved."
    return [f"**Version {published['version_id']}**: {made}", f"`{published['file']}`"]


def _taken_in(loads: Sequence[Row], checks: Sequence[Row]) -> list[str]:
    failed = [check for check in checks if not check["passed"]]
    files = "1 file" if len(loads) == 1 else f"{len(loads)} files"
    lines = sum(load["lines"] for load in loads)
    told = [f"- **{one['severity']}**: {one['meaning']} (found {one['found']}; limit {one['limit']})" for one in failed]
    return [
        f"{files}, {lines:,} lines. {len(checks)} checks, {len(failed)} failed.",
        *(["\n".join(told)] if told else []),
    ]


def _pictured(status: Row, moves: Sequence[Row]) -> list[str]:
    segments = (status.get("published") or {}).get("segments", [])
    pictures = {
        "Customers by segment": [
            Bar(row["segment"], row["customers"], f"{row['share']:.1%}", row["colour"]) for row in segments
        ],
        "Customers that moved": [
            Bar(f"{row['from']} → {row['to']}", row["customers"]) for row in moves[:_MOST_PICTURED]
        ],
        "Seconds by step": [
            Bar(step.replace("_", " "), taken, f"{taken:.2f} s") for step, taken in status["seconds"].items()
        ],
    }
    return [f"## {title}\n\n![{title}]({bars(rows)})" for title, rows in pictures.items() if rows]


def _segment(row: Row) -> dict[str, Any]:
    return {
        "segment": row["segment"],
        "customers": row["customers"],
        "share": f"{row['share']:.1%}",
        "revenue": f"{row['revenue']:,.2f}",
        "share of revenue": f"{row['revenue_share']:.1%}",
        "median recency, days": row["median_recency_days"],
        "median frequency": row["median_frequency"],
        "median monetary": f"{row['median_monetary']:,.2f}",
    }


def _movements(published: Row) -> list[dict[str, Any]]:
    if not published.get("segments"):
        return []
    select = _MOVEMENTS.format(version_id=int(published["version_id"]))
    names, rows = reading.query_file(Path(published["file"]), select)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _table(key: str, description: str, rows: Sequence[Row]) -> None:
    if rows:
        _write("table", key, description, json.dumps([dict(row) for row in rows], default=str))


def _link(key: str, description: str, file: Path) -> None:
    _write("markdown", key, description, f"[{file.name}]({file.as_uri()})\n\n`{file}`\n")


def _write(kind: str, key: str, description: str, data: str) -> None:
    """One request on the run's own client; Prefect's helpers make a client of their own each time."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import ArtifactCreate
    from prefect.runtime import flow_run

    made = ArtifactCreate(type=kind, key=key, description=description, data=data, flow_run_id=flow_run.id)
    get_client(sync_client=True).create_artifact(made)
