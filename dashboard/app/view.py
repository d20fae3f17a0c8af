"""What a page shows: one version, narrowed by the filters, and the frames read from its file."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from dashboard.charts.style import inked_scene
from dashboard.published import Published, read_published
from dashboard.wording import Money, day
from warehouse import reading
from warehouse.errors import NothingPublishedError

if TYPE_CHECKING:
    import polars as pl
    from plotly.graph_objects import Figure

#: How often an open page looks whether another version became current.
_LOOK_EVERY = "20s"
#: Texts of pictures have the colour of the page's own, whichever theme it has and changes to; captions are
#: legible; tables have the width they need; whatever has the keyboard's focus shows it; pictures without
#: room are swiped sideways instead of being squeezed, and fewer figures stand abreast.
_STYLE = """<style>
.stPlotlyChart .main-svg :not(.heatmap-label):not(.hovertext) > text { fill: currentColor !important; }
[data-testid="stCaptionContainer"] { opacity: 0.8; }
[data-testid="stMainBlockContainer"] { padding: 4.5rem clamp(1rem, 3vw, 5rem) 3rem; }
:is(a, button, summary, canvas):focus-visible { outline: 2px solid currentColor !important; outline-offset: 1px; }
canvas:focus-visible { outline-offset: -2px; }
[data-testid="stElementToolbar"]:focus-within { opacity: 1; }
[data-testid="stMetricLabel"] * { white-space: normal !important; }
[data-testid="stElementContainer"]:has(.stPlotlyChart) { overflow-x: auto; }
[data-testid="stFullScreenFrame"]:has(.stPlotlyChart) { min-width: 640px; }
.st-key-affinity [data-testid="stFullScreenFrame"] { min-width: 800px; }
.stColumn [data-testid="stFullScreenFrame"]:has(.stPlotlyChart) { min-width: 0; }
.stColumn:has([data-testid="stMetric"]) { min-width: 9.5rem; }
.stColumn:has(.stPlotlyChart) { min-width: 12rem; }
@media (max-width: 640px) {
  h1 { font-size: 2rem !important; }
}
</style>"""
#: A table of so many rows at most is shown whole, without scrolling in it.
_WHOLE = 20
_SCENE_INK = ("#2f2d2b", "#edebe8")


@dataclass(frozen=True)
class View:
    """A version and the filters; empty filters mean everything."""

    serving: Path
    money: Money
    version_id: int
    current_id: int
    versions: tuple[dict[str, Any], ...]
    countries: tuple[str, ...] = ()
    segments: tuple[int, ...] = ()
    least: int = 0

    @property
    def file(self) -> Path:
        """The DuckDB file of the version."""
        return reading.version_file_of(self.serving, self.version_id)

    @property
    def published(self) -> Published:
        """The version's small tables."""
        return _published(self.file)

    @property
    def is_narrowed(self) -> bool:
        """Whether a filter leaves customers out."""
        return bool(self.countries or self.segments or self.least)

    def rows(self, sql: str, **parameters: Any) -> "pl.DataFrame":
        """Rows of a statement on the version's file."""
        return rows_of(self.file, sql, parameters)

    def has(self, table: str) -> bool:
        """Whether the version was published with a table of that name."""
        return bool(
            self.rows("SELECT count(*) AS there FROM duckdb_tables() WHERE table_name = $t", t=table)["there"][0]
        )

    @property
    def profiles(self) -> "pl.DataFrame":
        """Size, worth and habits of each segment that the filters leave, with its share of what is left."""
        return self.rows(
            _PROFILES,
            countries=list(self.countries) or None,
            segments=list(self.segments) or None,
            least=self.least,
        )


#: Of the customers themselves, so that a filter on countries counts for every figure.
_PROFILES = """
SELECT *, customers / sum(customers) OVER () AS share, revenue / nullif(sum(revenue) OVER (), 0) AS revenue_share
FROM (
    SELECT c.segment_key, p.segment, p.colour, p.profile, p.actions, p.centroid, count(*) AS customers,
        CAST(sum(c.monetary) AS DOUBLE) AS revenue,
        median(recency_days) AS median_recency_days, median(frequency) AS median_frequency,
        CAST(median(monetary) AS DOUBLE) AS median_monetary, CAST(median(average) AS DOUBLE) AS median_average,
        count(*) FILTER (borderline) / count(*) AS borderline_share,
        count(*) FILTER (frequency > 1) / count(*) AS repeat_rate
    FROM customer_segments AS c JOIN segment_profiles AS p USING (segment_key)
    WHERE ($countries IS NULL OR list_contains(CAST($countries AS VARCHAR[]), country))
        AND ($segments IS NULL OR list_contains(CAST($segments AS INTEGER[]), c.segment_key))
    GROUP BY ALL HAVING count(*) >= $least
)
ORDER BY segment_key
"""


@st.cache_resource(max_entries=16, show_spinner=False)
def _published(file: Path) -> Published:
    return read_published(file)


@st.cache_data(max_entries=256, show_spinner=False)
def rows_of(file: Path, sql: str, parameters: dict[str, Any]) -> "pl.DataFrame":
    """Rows of a statement on one version's file, kept: the file never changes."""
    return reading.frame(file, sql, parameters or None)


def choose(serving: Path, money: Money) -> View:
    """The version and the filters chosen in the side bar; without a choice, the current version and everything.

    Raises NothingPublishedError before the first publication.
    """
    st.html(_STYLE)
    current_id = _current(serving)
    versions = reading.versions_at_hand(serving)
    known = {row["version_id"]: row for row in versions}
    with st.sidebar:
        picked = st.selectbox(
            "Version",
            [None, *known],
            format_func=lambda number: _told(known[number or current_id], current_id, chosen=number is not None),
            help="Without a choice the page follows what is current.",
        )
        chosen = View(serving, money, picked or current_id, current_id, tuple(versions))
        st.markdown("**Filters**")
        return _filtered(chosen)


def _filtered(view: View) -> View:
    countries = view.rows(
        "SELECT country FROM customer_segments WHERE country IS NOT NULL GROUP BY ALL ORDER BY count(*) DESC"
    )
    names = dict(view.published.profiles.select("segment_key", "segment").iter_rows())
    largest = max(view.published.profiles["customers"].to_list(), default=0)
    chosen_countries = st.multiselect("Countries", countries["country"].to_list(), placeholder="all")
    chosen_segments = st.multiselect(
        "Segments", list(names), format_func=lambda key: names.get(key, key), placeholder="all"
    )
    least = st.number_input("Least customers in a segment", min_value=0, max_value=largest, step=10)
    return View(
        view.serving, view.money, view.version_id, view.current_id, view.versions,
        tuple(chosen_countries), tuple(chosen_segments), int(least),
    )  # fmt: skip


def _current(serving: Path) -> int:
    return reading.version_of(reading.current_file(serving))


def _told(row: dict[str, Any], current_id: int, *, chosen: bool) -> str:
    if not chosen:
        return f"Current: {day(row['as_of'])}"
    state = (
        " · current"
        if row["version_id"] == current_id
        else ""
        if row["status"] == "published"
        else f" · {row['status']}"
    )
    return f"{day(row['as_of'])} · version {row['version_id']}{state}"


@st.fragment(run_every=_LOOK_EVERY)
def watch_current(serving: Path, shown: int | None) -> None:
    """Show the page anew when another version became current."""
    try:
        now = _current(serving)
    except NothingPublishedError:
        return
    if now != shown:
        st.rerun()


def chart(figure: "Figure", alt: str, *, key: str | None = None) -> None:
    """A figure in its own colours, with words for those who cannot see it."""
    if figure.layout.scene.to_plotly_json():  # style sheets do not reach a bitmap
        figure = inked_scene(figure, _SCENE_INK[st.context.theme.type == "dark"])
    st.plotly_chart(figure, theme=None, config={"displayModeBar": False}, alt=alt, key=key)


def table(
    rows: "pl.DataFrame",
    columns: dict[str, Any],
    *,
    height: int | None = None,
    row_height: int | None = None,
) -> None:
    """Columns of a frame under names for people; a column the version does not have is left out.

    In rows higher than usual long texts go on in a second line.
    """
    there = [name for name in columns if name in rows.columns]
    st.dataframe(
        rows.select(there),
        hide_index=True,
        height=height or whole(rows),
        row_height=row_height,
        placeholder="–",
        column_config={name: columns[name] for name in there},
    )


def whole(rows: "pl.DataFrame") -> Literal["content", "auto"]:
    """Height of a table: of all its rows, or Streamlit's usual one if they are many."""
    return "content" if rows.height <= _WHOLE else "auto"


def nothing(view: View) -> bool:
    """Say so if the filters leave no customer; return whether that is so."""
    left = not view.is_narrowed or not view.profiles.is_empty()
    if not left:
        st.info("No customers are left. Take a filter away in the side bar.")
    return not left
