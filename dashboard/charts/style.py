"""The look all pictures share: transparent, so that a light and a dark page can hold them, and quiet."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl
    from plotly.graph_objects import Figure

#: Stands out on white and on near-black; a page may replace it by its own ink.
INK = "#737b85"
GRID = "rgba(128,136,146,0.28)"
#: Bars and lines that belong to no segment, and what steps back behind them.
ACCENT, QUIET = "#4c78a8", "#9aa5b1"
#: What is lost, beside ACCENT.
LOSS = "#c9742b"
#: Low to high, never so dark that the numbers in the cells cannot be read.
SEQUENTIAL = ((0.0, "#eef4fb"), (1.0, "#5fa8e6"))
#: Ink on those; a page leaves it alone.
CELL_INK = "#14181d"
CLEAR = "rgba(0,0,0,0)"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def styled(figure: "Figure", height: int, **layout: Any) -> "Figure":
    """The figure with the shared look; `layout` overrides it."""
    axis = {
        "gridcolor": GRID,
        "zerolinecolor": GRID,
        "linecolor": GRID,
        "automargin": True,
        "title_standoff": 12,
        "title_font_size": 13,
    }
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    shared = {
        "template": "none",
        "height": height,
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"family": _FONT, "size": 13, "color": INK},
        "margin": {"l": 8, "r": 16, "t": 28, "b": 8},
        "showlegend": False,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom", "bgcolor": CLEAR},
        "hoverlabel": {"font": {"family": _FONT, "size": 13}, "align": "left"},
        "dragmode": False,
    }
    return figure.update_layout(**(shared | layout))


def inked_scene(figure: "Figure", ink: str) -> "Figure":
    """A copy of a figure in space with its texts in another ink."""
    from plotly.graph_objects import Figure

    axes = {axis: {"color": ink} for axis in ("xaxis", "yaxis", "zaxis")}
    return Figure(figure).update_layout(font_color=ink, scene=axes)


def colours(profiles: "pl.DataFrame") -> dict[int | None, str]:
    """Colour of each segment by its key."""
    return dict(profiles.select("segment_key", "colour").iter_rows())


def translucent(colour: str, alpha: float) -> str:
    """A colour "#rrggbb" that lets through what lies behind."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"
