"""The table of views: menu, grid, links, pictures, help and the README's table follow from it.

``python -m explorer.charts.view_specs`` prints the README's table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from explorer.charts.axis import AxisSpec
from explorer.charts.chart import Chart, MissingChart, ViewSpec, lack_of
from explorer.charts.corner import CORNER, TAIL, CornerChart
from explorer.charts.disc import DiscChart
from explorer.charts.histogram import HISTOGRAM, HistogramChart
from explorer.charts.plane import ANY_COLUMNS, PlaneChart
from explorer.charts.sky_map import SkyChart
from explorer.charts.space import SpaceChart
from explorer.model.library import Library
from explorer.state.panels import MAX_CORNER, PanelState
from pipeline.domain.frames import SKY_FRAMES

_WIDE = 0.002
"""Fraction of stars beyond the ends of axes with long tails."""


def _plane(
    key: str, title: str, x: AxisSpec, y: AxisSpec, *more: tuple[AxisSpec, ...], lacking: str, about: str
) -> ViewSpec:
    """A plane of two columns; ``more`` are pairs that replace them where a catalogue lacks them."""
    return ViewSpec(key, title, PlaneChart, about, ((x, y), *more), lacking)


def _space(key: str, title: str, x: str, y: str, about: str) -> ViewSpec:
    """A plane through space, to scale."""
    axes = AxisSpec(x, tail=_WIDE), AxisSpec(y, tail=_WIDE)
    return ViewSpec(key, title, PlaneChart, about, (axes,), "positions", off=frozenset({"stream", "arms"}), square=True)


_ALONG_STREAM = AxisSpec("sgr_lambda", 0.0, 360.0)

# The order is that of the menu, and that in which the grid is filled.
SPECS = (
    _plane(
        "hr",
        "HR diagram",
        AxisSpec("teff"),
        AxisSpec("logg"),
        lacking="labels",
        about="Effective temperature against surface gravity, hot stars left and giants up (Figure 2).",
    ),
    _plane(
        "actions",
        "Action space",
        AxisSpec("j_phi", tail=_WIDE),
        AxisSpec("j_tot", tail=_WIDE),
        lacking="actions",
        about="Azimuthal against total action (Figure 10).",
    ),
    _plane(
        "abundances",
        "Abundances",
        AxisSpec("m_h"),
        AxisSpec("alpha_m"),
        lacking="abundance pairs",
        about="Metallicity against enrichment in alpha elements.",
    ),
    _plane(
        "stream_sky",
        "Sagittarius sky",
        _ALONG_STREAM,
        AxisSpec("sgr_beta"),
        lacking="stream coordinates",
        about="Longitude along the Sagittarius stream against latitude.",
    ),
    _plane(
        "stream_distance",
        "Stream distance",
        _ALONG_STREAM,
        AxisSpec("distance", low=0.0),
        lacking="distances or stream coordinates",
        about="Longitude along the Sagittarius stream against distance (Figure 11).",
    ),
    ViewSpec(
        "disc",
        "Disc map",
        DiscChart,
        "Mean motion of the selected stars of the disc seen from above, by height (Figure 9).",
        ((AxisSpec("x_gal"), AxisSpec("y_gal")),),
        "velocities in space",
        off=frozenset({"arrows", "stream"}),
        square=True,
    ),
    _plane(
        "colour_magnitude",
        "Colour-magnitude",
        AxisSpec("jk0"),
        AxisSpec("k_abs"),
        lacking="absolute magnitudes",
        about="Colour without reddening against absolute magnitude, bright stars up.",
    ),
    _plane(
        "sky",
        "Sky",
        AxisSpec("glon", 0.0, 360.0, inverted=True),
        AxisSpec("glat", -90.0, 90.0),
        (AxisSpec("ra", 0.0, 360.0, inverted=True), AxisSpec("dec", -90.0, 90.0)),
        lacking="positions on the sky",
        about="Galactic coordinates, longitude growing to the left; equatorial ones where a catalogue has no others.",
    ),
    ViewSpec(
        "sky_map",
        "Projected sky",
        SkyChart,
        "The sky in an equal-area projection (Mollweide, Hammer-Aitoff, zenithal), in ICRS, Galactic or Sagittarius "
        "coordinates around any centre, with graticule and the planes of the Galaxy and of the stream.",
        tuple((AxisSpec(frame.longitude), AxisSpec(frame.latitude)) for frame in SKY_FRAMES.values()),
        "positions on the sky",
        repeats="sky",
        square=True,
    ),
    _space(
        "space_xy", "Space X-Y", "x_gal", "y_gal", "The Galaxy from above, with velocities of high stars (Figure 8)."
    ),
    _space(
        "space_xz", "Space X-Z", "x_gal", "z_gal", "The Galaxy from the side, the Sun left of the centre (Figure 8)."
    ),
    _space("space_yz", "Space Y-Z", "y_gal", "z_gal", "The Galaxy along the line to the centre (Figure 8)."),
    _space("space_rz", "Space R-Z", "r_gal", "z_gal", "Galactocentric radius against height (Figure 8)."),
    ViewSpec(
        "space_3d",
        "Space in 3-D",
        SpaceChart,
        "The Galaxy from any direction, turned by a drag; or the space of any three columns.",
        ((AxisSpec("x_gal"), AxisSpec("y_gal"), AxisSpec("z_gal")),),
        "positions",
        repeats="space_xy",
        square=True,
    ),
    _plane(
        "energy",
        "Energy",
        AxisSpec("j_phi", tail=_WIDE),
        AxisSpec("energy", tail=_WIDE),
        lacking="orbital energies",
        about="Angular momentum against energy, where accreted stars are apart from the disc.",
    ),
    ViewSpec(
        HISTOGRAM,
        "Histogram",
        HistogramChart,
        "Numbers of stars over any column; a drag selects a range.",
        tuple((AxisSpec(name, tail=_WIDE),) for name in ("m_h", "distance", "rv", "snr")),
        "such column",
        chosen=True,
    ),
    ViewSpec(
        CORNER,
        "Corner plot",
        CornerChart,
        f"Up to {MAX_CORNER} columns against one another, with a histogram of each; a drag selects in any cell.",
        (tuple(AxisSpec(name, tail=TAIL) for name in ("teff", "logg", "m_h", "alpha_m", "distance", "rv")),),
        "such columns",
        chosen=True,
    ),
    ViewSpec(
        ANY_COLUMNS, "Any columns", PlaneChart, "Any column against any other.", chosen=True, off=frozenset({"arrows"})
    ),
)

VIEWS = {spec.key: spec for spec in SPECS}
"""Views by their key in links."""


def lack_in(library: Library, state: PanelState) -> str:
    """Reason why a catalogue has no such view; "" when it has."""
    spec = VIEWS.get(state.view)
    if spec is None:
        return lack_of(f"view called {state.view!r}", tuple(VIEWS))
    return spec.chart.lack(spec, library, state)


def chart_of(library: Library, state: PanelState) -> Chart:
    """The chart of a view of one page; a sentence if the catalogue has no values for it."""
    spec = VIEWS.get(state.view) or ViewSpec(state.view, state.view, MissingChart, "")
    sentence = lack_in(library, state)
    if sentence:
        return MissingChart(spec, library, state, sentence)
    return spec.chart(spec, library, state, spec.chart.axes_of(spec, library.table, state))


def views_table() -> Iterator[str]:
    """Rows of the README's table of views."""
    yield "| view | columns | shows |"
    yield "|---|---|---|"
    for spec in SPECS:
        columns = " or ".join(", ".join(f"`{axis.column}`" for axis in axes) for axes in spec.columns)
        yield f"| {spec.title} | {columns if not spec.chosen else 'any'} | {spec.about} |"


if __name__ == "__main__":
    sys.stdout.write("\n".join(views_table()) + "\n")
