"""Requests about one star: its spectrum, refit and evidence."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from explorer.protocol.requests.base import Ends, Intervals, Labels, Name, Request, Text

Smoothing: TypeAlias = Literal[0, 1, 2, 4, 8]
Comparison: TypeAlias = Literal["over", "difference", "ratio"]
ContinuumChoice: TypeAlias = Literal["edges", "unity"]
StarForm: TypeAlias = Literal["fits", "png", "pdf"]

SMOOTHINGS: tuple[int, ...] = get_args(Smoothing)
"""Standard deviations of the smoothing that the page offers, in pixels; 0 for none."""

STAR_FORMS: tuple[str, ...] = get_args(StarForm)
"""Files of a star that the page offers."""

MAX_ALIKE = 200
"""Maximum number of similar stars that are selected."""


class SpectrumLook(Struct, frozen=True, forbid_unknown_fields=True):
    """Display settings of the spectrum.

    ``compare`` selects how the lower axes show pinned spectra, ``air`` the medium of the wavelengths on the axis, and
    ``continuum`` what a measured line is compared with: a straight line through the edges of its range, or the
    pseudo-continuum.
    """

    lines: bool
    model: bool
    residual: bool
    raw: bool
    observed: bool
    air: bool
    smooth: Smoothing
    compare: Comparison
    continuum: ContinuumChoice


DEFAULT_LOOK = SpectrumLook(
    lines=True,
    model=True,
    residual=True,
    raw=False,
    observed=False,
    air=False,
    smooth=0,
    compare="over",
    continuum="edges",
)
"""The look of a spectrum on a new page."""


class StarStep(Request, frozen=True):
    """Show the next or the previous star."""

    by: int
    unvetted: bool = False


class StarFind(Request, frozen=True):
    """Show the star of an obsid, a Gaia source id, a designation or a position."""

    text: Name


class StarPin(Request, frozen=True):
    """Put another star's spectrum beside this one."""

    obsid: Name


class StarPage(Request, frozen=True):
    """Show the star alone, or beside the views."""

    on: bool


class StarFile(Request, frozen=True):
    """Export the spectrum, or its picture as it is on screen."""

    form: StarForm


class Draw(Request, frozen=True):
    """Draw the spectrum of a star with the settings of the page's controls.

    ``zoom``, ``masked`` and ``measured`` are rest wavelengths in vacuum, in Angstrom; without a zoom the whole spectrum
    is shown. ``measured`` are the ends between which a line is measured. ``trial`` holds the labels of the trial model
    where one is shown. Answers carry ``number``, so that the page knows outdated ones.
    """

    obsid: Name
    look: SpectrumLook
    zoom: Ends | None
    masked: Intervals
    measured: Ends | None
    trial: dict[Name, float | None] | None
    pins: tuple[Name, ...]
    number: int


class SpectrumZoom(Request, frozen=True):
    """Frame the spectrum at the wavelengths to which it was zoomed, and keep them for the next one."""

    ends: Ends
    number: int


class Slide(Request, frozen=True):
    """Draw the model at the labels of the sliders; None where a slider has no value."""

    labels: dict[Name, float | None]
    number: int


class Refit(Request, frozen=True):
    """Fit the star again."""

    fixed: Labels
    fit_rv: bool
    masked: Intervals


class Propose(Request, frozen=True):
    """Keep the last fit as a proposal."""

    reason: Text


class Evidence(Request, frozen=True):
    """Compute the evidence for the star's labels."""


class Alike(Request, frozen=True):
    """List similar stars."""

    by: Name


class AlikeSelect(Request, frozen=True):
    """Select similar stars."""

    by: Name
    count: int
