"""Customers as points: in three dimensions and in the plane. Points carry a segment and a place, never an id."""

from typing import TYPE_CHECKING, Any

from dashboard.charts.style import GRID, INK, styled
from dashboard.wording import label

if TYPE_CHECKING:
    import polars as pl
    from plotly.graph_objects import Figure

_SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up", "star", "x", "triangle-down")
#: Symbols a 3-D scene knows.
_SYMBOLS_3D = ("circle", "diamond", "square", "cross", "circle-open", "diamond-open", "square-open", "x")
_DIGITS = 3


def space(points: "pl.DataFrame", profiles: "pl.DataFrame", titles: tuple[str, str, str]) -> "Figure":
    """Points with x, y, z and segment_key in three dimensions; it can be turned."""
    from plotly.graph_objects import Figure, Scatter3d

    figure = Figure()
    for place, (part, name, colour) in enumerate(_parts(points, profiles)):
        x, y, z = (part[axis].round(_DIGITS).to_list() for axis in ("x", "y", "z"))
        marker = {"size": 3.2, "color": colour, "opacity": 0.75, "symbol": _SYMBOLS_3D[place % len(_SYMBOLS_3D)]}
        figure.add_trace(Scatter3d(x=x, y=y, z=z, mode="markers", name=name, marker=marker, hoverinfo="name"))
    axes = {
        f"{axis}axis": {
            "title": {"text": title, "font": {"size": 12}}, "gridcolor": GRID, "zerolinecolor": GRID, "color": INK,
            "showbackground": False, "tickfont": {"size": 10}, "nticks": 5, "showspikes": False,
        }
        for axis, title in zip("xyz", titles, strict=True)
    }  # fmt: skip
    scene = {"aspectmode": "cube", "camera": {"eye": {"x": 1.5, "y": 1.45, "z": 0.75}, "center": {"z": -0.16}}, **axes}
    legend = {
        "orientation": "h",
        "x": 0,
        "y": 1,
        "yanchor": "top",
        "itemsizing": "constant",
        "bgcolor": "rgba(0,0,0,0)",
    }
    bare = {"l": 0, "r": 0, "t": 0, "b": 0}
    return styled(
        figure,
        560,
        scene=scene,
        showlegend=True,
        legend=legend,
        margin=bare,
        dragmode="turntable",
        meta={"least_width": 460},
    )


def plane(points: "pl.DataFrame", profiles: "pl.DataFrame", titles: tuple[str, str]) -> "Figure":
    """Points with x, y and segment_key."""
    from plotly.graph_objects import Figure, Scatter

    figure = Figure()
    for place, (part, name, colour) in enumerate(_parts(points, profiles)):
        x, y = (part[axis].round(_DIGITS).to_list() for axis in ("x", "y"))
        marker = {"size": 5, "color": colour, "opacity": 0.65, "symbol": _SYMBOLS[place % len(_SYMBOLS)]}
        figure.add_trace(Scatter(x=x, y=y, mode="markers", name=name, marker=marker, hoverinfo="name"))
    figure.update_xaxes(title=titles[0], zeroline=False, showticklabels=False)
    figure.update_yaxes(title=titles[1], zeroline=False, showticklabels=False)
    return styled(figure, 460, showlegend=True, legend_itemsizing="constant", meta={"least_width": 580})


def _parts(points: "pl.DataFrame", profiles: "pl.DataFrame") -> list[tuple[Any, str, str]]:
    """Points, name and colour of each segment that has points."""
    found = []
    for key, name, colour in profiles.select("segment_key", "segment", "colour").iter_rows():
        part = points.filter(points["segment_key"] == key)
        if not part.is_empty():
            found.append((part, label(name, 22), colour))
    return found
