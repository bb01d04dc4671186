"""Requests about one star: its spectrum, refit and evidence."""

from __future__ import annotations

from msgspec import Struct

from explorer.protocol.requests.base import Ends, Intervals, Labels, Name, Request, Text


class SpectrumLook(Struct, frozen=True, forbid_unknown_fields=True):
    """How the spectrum is shown."""

    lines: bool
    model: bool
    residual: bool
    raw: bool
    observed: bool
    smooth: float
    compare: Name


class StarStep(Request, frozen=True):
    """Show the next or the previous star."""

    by: int
    unvetted: bool = False


class StarFind(Request, frozen=True):
    """Show the star of an obsid."""

    text: Name


class StarPin(Request, frozen=True):
    """Put another star's spectrum beside this one."""

    obsid: Name


class StarPage(Request, frozen=True):
    """Show the star alone, or beside the views."""

    on: bool


class StarFile(Request, frozen=True):
    """Export the spectrum, or its picture."""

    form: Name
    ends: Ends
    look: SpectrumLook
    masked: Intervals = ()
    trial: dict[Name, float | None] | None = None
    pins: tuple[Name, ...] = ()


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

    why: Text


class Evidence(Request, frozen=True):
    """Compute the evidence for the star's labels."""


class Alike(Request, frozen=True):
    """List similar stars."""

    by: Name


class AlikeSelect(Request, frozen=True):
    """Select similar stars."""

    by: Name
    count: int
