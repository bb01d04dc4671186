"""The spectrum on screen as a picture for a journal."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from msgspec import UNSET

from explorer import protocol
from explorer.charts.curves import values_of
from explorer.charts.journal import PAGE_INCHES, STYLE, new_figure, sign
from explorer.charts.spectrum_numbers import INK, Floats
from pipeline.domain.wavelength import vacuum_to_air

_INK = INK["light"]
_WIDTHS = {"data": 0.6, "model": 0.7, "trial": 0.7}
"""Widths of curves in points."""
_OFFSET = "offset points"
_UNDER = 1.9
"""Order of pinned spectra, under the star's own curves."""
_TOP, _BOTTOM = 2.6, 1.0
"""Heights of the two axes."""


def draw_spectrum(wavelength: Floats, drawing: protocol.SpectrumDrawing, title: str, note: str) -> Figure:
    """Draw flux with noise, models and pinned spectra; below, residuals over their error or a comparison.

    Parameters
    ----------
    wavelength : ndarray of float, shape (n_pixels,)
        Of the pixels, at rest in vacuum, in Angstrom.
    drawing : SpectrumDrawing
        All numbers, as the page has them.
    title, note : str
        Above and under the figure.
    """
    x = (vacuum_to_air(wavelength) if drawing.air else wavelength) * drawing.stretch
    with mpl.rc_context(STYLE):
        figure = new_figure(PAGE_INCHES, 0.5 * PAGE_INCHES)
        ratios = (_TOP, _BOTTOM) if drawing.lower else (_TOP,)
        all_axes = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios, squeeze=False)[:, 0]
        for axes in all_axes:
            _shade(axes, drawing)
        _draw_fluxes(all_axes[0], x, drawing)
        if drawing.lower:
            _draw_lower(all_axes[1], x, drawing)
        all_axes[-1].set(xlim=drawing.ends, xlabel=drawing.label)
        all_axes[0].set(title=title)
        sign(figure, note)
    return figure


def _shade(axes: Axes, drawing: protocol.SpectrumDrawing) -> None:
    for low, high in drawing.masked:
        axes.axvspan(low, high, color=_INK["masked"], alpha=0.2, linewidth=0, zorder=0)
    for low, high in drawing.own:
        axes.axvspan(low, high, color=_INK["own"], alpha=0.25, linewidth=0)
    for band in drawing.telluric:
        axes.axvspan(band.low, band.high, color="0.9", zorder=0, linewidth=0)


def _draw_fluxes(axes: Axes, x: Floats, drawing: protocol.SpectrumDrawing) -> None:
    axes.fill_between(x, values_of(drawing.low), values_of(drawing.high), color="0.82", linewidth=0)
    curves = {"data": drawing.flux, "model": drawing.model, "trial": drawing.trial}
    for curve in drawing.curves:
        drawn = curves[curve.ink]
        assert drawn is not UNSET
        style = "--" if curve.ink == "trial" else "-"
        axes.plot(x, values_of(drawn), style, color=_INK[curve.ink], linewidth=_WIDTHS[curve.ink], label=curve.text)
    for pin in drawing.pinned:
        axes.plot(x, values_of(pin.flux), color=pin.colour, linewidth=0.6, label=pin.obsid, zorder=_UNDER)
    if drawing.measured is not UNSET:
        _draw_measured(axes, drawing.measured)
    axes.legend(loc="lower right", fontsize=6, frameon=False, ncols=7)
    axes.set(ylim=drawing.flux_ends, ylabel=drawing.flux_label)
    for mark in drawing.marks:
        at = mark.wavelength
        if drawing.ends[0] < at < drawing.ends[1]:
            axes.axvline(at, color=mark.colour or "0.6", linewidth=0.4, linestyle=":")
            text = axes.annotate(
                mark.name, (at, mark.top), (0, -2), textcoords=_OFFSET, rotation=90, fontsize=6, va="top"
            )
            text.set_color(mark.colour or "black")
            text.set_parse_math(False)


def _draw_measured(axes: Axes, measured: protocol.MeasuredDrawing) -> None:
    """The area between continuum and flux, the continuum, the fit, and the numbers in the lower left corner."""
    x, colour = measured.wavelength, _INK["measured"]
    axes.fill_between(x, measured.flux, measured.continuum, color=colour, alpha=0.3, linewidth=0)
    axes.plot(x, measured.continuum, color=colour, linewidth=0.8, linestyle="--")
    axes.plot(measured.fit_at, measured.fit, color=colour, linewidth=0.9)
    text = "\n".join(f"{row.name}: {row.text}" for row in measured.rows)
    box = {"facecolor": "white", "edgecolor": "0.8", "linewidth": 0.4, "alpha": 0.85, "pad": 2}
    axes.text(0.01, 0.04, text, transform=axes.transAxes, fontsize=5.5, va="bottom", bbox=box)


def _draw_lower(axes: Axes, x: Floats, drawing: protocol.SpectrumDrawing) -> None:
    compared = drawing.compared
    if compared is not UNSET:
        for pin, values in zip(drawing.pinned, compared.curves, strict=True):
            axes.plot(x, values_of(values), color=pin.colour, linewidth=0.5)
        axes.set(ylim=compared.ends, ylabel=compared.label)
        return
    residuals = drawing.residuals
    colour = _INK["data" if drawing.trial is UNSET else "trial"]
    axes.axhline(0.0, color="0.5", linewidth=0.5)
    axes.plot(x, values_of(residuals.values), color=colour, linewidth=0.4)
    for upwards, marker in ((True, "^"), (False, "v")):
        marks = np.array([(mark.wavelength, mark.at) for mark in residuals.beyond if mark.upwards is upwards])
        axes.plot(*marks.reshape(-1, 2).T, marker, color=colour, markersize=2.5)
    axes.set(ylim=residuals.ends)
    axes.set_ylabel(residuals.label, color=colour)
    axes.text(0.005, 0.97, residuals.about, transform=axes.transAxes, fontsize=5.5, va="top", color="0.35")
