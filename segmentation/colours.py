"""Colours that no two segments share."""

import colorsys
from collections.abc import Collection
from itertools import count

#: Share of the colour wheel between two generated hues; the golden ratio never comes back to a hue.
_GOLDEN_RATIO = 0.6180339887498949
#: Lightness and saturation that stand out on white and on black.
_LIGHTNESS = (0.5, 0.4, 0.6)
_SATURATION = 0.5


def free_colour(wished: str | None, spare: Collection[str], taken: Collection[str]) -> str:
    """The wished "#rrggbb" if it is not taken, else the first spare one, else a generated one."""
    for colour in [wished, *spare]:
        if colour is not None and colour not in taken:
            return colour
    return next(colour for colour in map(_generated, count()) if colour not in taken and colour not in spare)


def _generated(number: int) -> str:
    hue = (number * _GOLDEN_RATIO) % 1
    channels = colorsys.hls_to_rgb(hue, _LIGHTNESS[number % len(_LIGHTNESS)], _SATURATION)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)
