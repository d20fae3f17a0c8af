"""What changed since the version before, and what it is worth."""

from typing import TYPE_CHECKING, Any

from dashboard.charts import movements
from dashboard.page import Chart, Section, Table, Words
from dashboard.published import Published
from dashboard.wording import Money, clean, count, counted, day, share

if TYPE_CHECKING:
    import polars as pl

_TITLE = "What changed since last time"
_LEAST_DATES, _TABLE_DATES = 2, 24
_LOWER, _HIGHER, _ENTERED, _LEFT, _OTHER = "to lower value", "to higher value", "new", "left", "other"
_COLUMNS = {"higher": _HIGHER, "lower": _LOWER, "entered": _ENTERED, "left": _LEFT}


def changes(published: Published, money: Money) -> Section:
    """Movements in words, as a Sankey diagram and as a table."""
    previous = published.previous
    if previous is None:
        first = "This is the first published version: there is nothing to compare it with yet."
        return Section("changes", _TITLE, [Words(first)])
    moves = directed(published.moves, published.profiles)
    since = f"Compared with version {previous['version_id']} as of {day(previous['as_of'])}."
    if moves.is_empty():
        quiet = Words(f"{since} No customer changed segment, came or left.")
        return Section("changes", _TITLE, [quiet, *migration(published)])
    sentences = [since, *_sentences(moves, money), *_idle(published.version), *_lives(published)]
    drawn = Chart(
        "movements",
        _largest(moves, money),
        movements.sankey(moves, published.profiles, money),
        "Left: the segment before. Right: the segment now. Customers who stayed are not drawn.",
        _table(moves, money),
    )
    return Section("changes", _TITLE, [Words(" ".join(sentences)), drawn, *migration(published)])


def migration(published: Published) -> list[Chart]:
    """Customers that moved to higher and to lower value at each published date, if there are enough dates."""
    import polars as pl

    moves = directed(published.tables["segment_movements"], published.profiles)
    if moves["as_of"].n_unique() < _LEAST_DATES:
        return []
    sums = (
        moves.group_by("as_of")
        .agg(
            pl.col("customers").filter(pl.col("direction") == direction).sum().alias(name)
            for name, direction in _COLUMNS.items()
        )
        .sort("as_of")
    )
    higher, lower = int(sums["higher"].sum()), int(sums["lower"].sum())
    finding = (
        f"Since {day(sums['as_of'][0])} customers moved {count(higher)} times to a segment of higher value and "
        f"{count(lower)} times to one of lower value"
    )
    rows = [(day(when), *(count(value) for value in values)) for when, *values in sums.tail(_TABLE_DATES).iter_rows()]
    reading = (
        "Customers that changed segment between each published date and the one before; the dates need not be equally "
        "far apart. Value: what customers of a segment spend on average today."
    )
    table = Table(("As of", "To higher value", "To lower value", "New", "Left"), rows, texts=("As of",))
    return [Chart("migration", finding, movements.over_time(sums), reading, table)]


def directed(moves: "pl.DataFrame", profiles: "pl.DataFrame") -> "pl.DataFrame":
    """Movements with `direction`: whether customers of the new segment are worth more on average than of the old."""
    import polars as pl

    worth = dict(profiles.select("segment_key", "mean_monetary").iter_rows())

    def direction(row: dict[str, Any]) -> str:
        start, end = row["from_segment_key"], row["to_segment_key"]
        if start is None or end is None:
            return _ENTERED if start is None else _LEFT
        if worth.get(start) is None or worth.get(end) is None:
            return _OTHER
        return _HIGHER if worth[end] > worth[start] else _LOWER

    found = [direction(row) for row in moves.iter_rows(named=True)]
    return moves.with_columns(pl.Series("direction", found, dtype=pl.String)).sort(
        "net_365_days", "customers", descending=True
    )


def sums(moves: "pl.DataFrame", direction: str) -> tuple[int, float]:
    """Customers that moved in a direction and their money."""
    chosen = moves.filter(moves["direction"] == direction)
    return int(chosen["customers"].sum()), float(chosen["net_365_days"].sum())


def lowered(published: Published) -> tuple[int, float]:
    """Customers that moved to a segment of lower value, and their money."""
    return sums(directed(published.moves, published.profiles), _LOWER)


def _sentences(moves: "pl.DataFrame", money: Money) -> list[str]:
    told = []
    for direction, words in (
        (_LOWER, "moved to a segment whose customers are worth less"),
        (_HIGHER, "moved to one whose customers are worth more"),
        (_ENTERED, "came in"),
        (_LEFT, "left the segments"),
        (_OTHER, "moved out of a segment that no longer exists or into one without customers to compare"),
    ):
        customers, worth = sums(moves, direction)
        if customers:
            told.append(f"{counted(customers, 'customer')} with {money.long(worth)} {words}.")
    return [*told, "The money is what these customers bought minus what they returned in the last 365 days."]


def _idle(version: dict[str, Any]) -> list[str]:
    idle = version.get("moved_idle_share")
    return [] if idle is None else [f"{share(idle)} of those who moved did so without buying: only time passed."]


def _lives(published: Published) -> list[str]:
    """Births and deaths of segments that the model of this version brought."""
    lineage, model = published.tables["segment_lineage"], published.version["model_id"]
    told = {"birth": "is a new segment", "death": "no longer exists"}
    return [
        f"{clean(row['segment'])} {told[row['event']]}."
        for row in lineage.filter(lineage["model_id"] == model).iter_rows(named=True)
        if row["event"] in told
    ]


def _largest(moves: "pl.DataFrame", money: Money) -> str:
    row = moves.row(0, named=True)
    customers, worth = counted(row["customers"], "customer"), money.long(row["net_365_days"])
    start, end = clean(row["from_segment"]), clean(row["to_segment"])
    if row["direction"] == _ENTERED:
        return f"Most money came in anew: {customers} with {worth} entered {end}"
    if row["direction"] == _LEFT:
        return f"Most money left: {customers} with {worth} dropped out of {start}"
    return f"The movement with most money: {customers} with {worth} went from {start} to {end}"


def _table(moves: "pl.DataFrame", money: Money) -> Table:
    rows = [
        (
            clean(row["from_segment"] or movements.ENTERING), clean(row["to_segment"] or movements.LEAVING),
            row["direction"], count(row["customers"]), money.short(row["net_365_days"]),
        )
        for row in moves.iter_rows(named=True)
    ]  # fmt: skip
    columns = ("From", "To", "Direction", "Customers", "Net sales of the last 365 days")
    return Table(columns, rows, texts=columns[:3])
