"""Colour maps to choose from: perceptually uniform ones of colorcet and matplotlib."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import colorcet as cc
from matplotlib import colormaps
from matplotlib.colors import to_hex


@dataclass(frozen=True)
class ColourMap:
    """A sequence of colours whose lightness or hue changes evenly.

    Parameters
    ----------
    key : str
        Name in links.
    title : str
        Name on screen.
    source : callable
        Returns its colours from low to high.
    diverging : bool
        Whether its middle is neutral.
    """

    key: str
    title: str
    source: Callable[[str], tuple[str, ...]]
    diverging: bool = False

    @cached_property
    def colours(self) -> tuple[str, ...]:
        """256 colours from low to high, as CSS."""
        return self.source(self.key)


def _colorcet(key: str) -> tuple[str, ...]:
    return tuple(cc.palette[key])


def _matplotlib(key: str) -> tuple[str, ...]:
    return tuple(to_hex(colour) for colour in colormaps[key](range(256)))


COLOUR_MAPS = {
    item.key: item
    for item in (
        ColourMap("plasma", "Plasma", _matplotlib),
        ColourMap("viridis", "Viridis", _matplotlib),
        ColourMap("cividis", "Cividis", _matplotlib),
        ColourMap("magma", "Magma", _matplotlib),
        ColourMap("kbc", "Blue", _colorcet),
        ColourMap("bmy", "Blue, magenta, yellow", _colorcet),
        ColourMap("CET_CBL2", "Blue, yellow", _colorcet),
        ColourMap("bjy", "Blue, grey, yellow", _colorcet, diverging=True),
        ColourMap("CET_D8", "Blue, grey, red", _colorcet, diverging=True),
        ColourMap("CET_D11", "Cyan, grey, orange", _colorcet, diverging=True),
    )
}
"""Colour maps by key, in the order of the menu."""

SEQUENTIAL, DIVERGING, COUNTS = COLOUR_MAPS["plasma"], COLOUR_MAPS["bjy"], COLOUR_MAPS["kbc"]
"""Maps of columns, of signed columns, and of numbers of stars, unless another one is chosen."""
