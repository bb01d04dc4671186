"""The spectrum of one star: flux with its noise, the model over it, residuals below, lines and bands named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from bokeh.models import (
    BasicTicker,
    BoxZoomTool,
    ColumnDataSource,
    CustomJSTickFormatter,
    LabelSet,
    PanTool,
    Range1d,
    ResetTool,
    SaveTool,
    WheelZoomTool,
)
from bokeh.plotting import figure as Figure  # noqa: N812 - it is a class
from numpy.typing import NDArray

from explorer.plots.diagram import FIGURE_FONT
from explorer.plots.palettes import DATA_LINE, MODEL_LINE, MUTED, TEXT
from pipeline.domain.wavelength import air_to_vacuum, doppler_factor
from pipeline.products.spectra import StoredSpectrum


class Feature(NamedTuple):
    """A line, a band head or a band, by rest wavelength in vacuum, in Angstrom."""

    name: str
    wavelength: float


LINES: tuple[Feature, ...] = (
    Feature("Ca II", 8500.36),
    Feature("Ca II", 8544.44),
    Feature("Ca II", 8664.52),
    Feature("Na D", 5894.6),
    Feature("Mg b", 5176.7),
    Feature("Hα", 6564.61),
    Feature("K I", 7667.01),
    Feature("K I", 7701.08),
)
"""Atomic lines (doublets and triplets of the blue at their mean)."""

BAND_HEADS: tuple[Feature, ...] = tuple(
    Feature("TiO", float(air_to_vacuum(head))) for head in (6159.0, 6651.0, 7054.0, 7589.0, 8432.0, 8859.0)
)
"""Heads of TiO bands; each degrades to the red."""

TELLURIC: tuple[tuple[str, float, float], ...] = (("O₂ B", 6868.0, 6944.0), ("O₂ A", 7595.0, 7690.0))
"""Telluric bands in the observed frame, Angstrom, vacuum."""

_CROWDED_ANGSTROM = 110.0

_EMPTY_CURVE: dict[str, Sequence[float]] = {"w": [], "flux": [], "low": [], "high": [], "model": [], "pull": []}


@dataclass(frozen=True)
class SpectrumPlot:
    """Figures and the handles that the view patches."""

    flux: Figure
    pull: Figure
    curve: ColumnDataSource
    masked: ColumnDataSource
    telluric: ColumnDataSource
    features: ColumnDataSource
    glyphs: dict[str, Any]

    def recolour(self, dark: bool) -> None:
        """Colours for a light or dark page."""
        for name in ("flux", "pull"):
            self.glyphs[name].glyph.line_color = DATA_LINE[dark]
        self.glyphs["band"].glyph.fill_color = DATA_LINE[dark]
        self.glyphs["model"].glyph.line_color = MODEL_LINE[dark]
        for name in ("masked_flux", "masked_pull", "telluric_flux"):
            self.glyphs[name].glyph.fill_color = MUTED[dark]
        for name in ("names", "bands"):
            self.glyphs[name].text_color = TEXT[dark]


def build_spectrum_plot() -> SpectrumPlot:
    """Build both figures, empty; wavelengths are linked."""
    x_range = Range1d(start=4000.0, end=9000.0)
    flux = _figure(x_range, "normalised flux", height=240)
    pull = _figure(x_range, "residual / σ", height=120)
    pull.xaxis.axis_label = "Rest wavelength, vacuum [Angstrom]"
    flux.xaxis.major_label_text_font_size = "0px"
    flux.xaxis.visible = False
    flux.name, pull.name = "Spectrum", "Residuals"
    curve = ColumnDataSource(dict(_EMPTY_CURVE), name="spectrum")
    masked = ColumnDataSource({"left": [], "right": []})
    telluric = ColumnDataSource({"left": [], "right": [], "name": []})
    features = ColumnDataSource({"w": [], "top": [], "bottom": [], "name": []}, name="features")
    glyphs: dict[str, Any] = {}
    for name, figure in (("masked_flux", flux), ("masked_pull", pull)):
        glyphs[name] = figure.vstrip("left", "right", source=masked)
        glyphs[name].glyph.update(fill_alpha=0.28, line_alpha=0.0)
    glyphs["telluric_flux"] = flux.vstrip("left", "right", source=telluric)
    glyphs["telluric_flux"].glyph.update(fill_alpha=0.16, line_alpha=0.0, hatch_pattern="/", hatch_alpha=0.15)
    glyphs["band"] = flux.varea("w", "low", "high", source=curve, fill_alpha=0.22)
    glyphs["flux"] = flux.line("w", "flux", source=curve, line_width=1.0)
    glyphs["model"] = flux.line("w", "model", source=curve, line_width=1.2)
    glyphs["pull"] = pull.line("w", "pull", source=curve, line_width=0.8)
    flux.segment("w", "bottom", "w", "top", source=features, line_color="#8b95a1", line_alpha=0.55, line_dash="dotted")
    glyphs["names"] = LabelSet(
        x="w",
        y="top",
        text="name",
        source=features,
        angle=np.pi / 2,
        x_offset=4,
        y_offset=-2,
        text_align="right",
        text_font_size="10px",
    )
    glyphs["bands"] = LabelSet(
        x="left",
        y=4,
        y_units="screen",
        text="name",
        source=telluric,
        angle=np.pi / 2,
        x_offset=12,
        text_font_size="10px",
    )
    flux.add_layout(glyphs["names"])
    flux.add_layout(glyphs["bands"])
    plot = SpectrumPlot(flux, pull, curve, masked, telluric, features, glyphs)
    plot.recolour(dark=False)
    return plot


def show(plot: SpectrumPlot, spectrum: StoredSpectrum | None, rv_kms: float) -> None:
    """Put a star's spectrum into the figures, or empty them."""
    if spectrum is None:
        plot.curve.data = dict(_EMPTY_CURVE)
        plot.masked.data = {"left": [], "right": []}
        plot.telluric.data = {"left": [], "right": [], "name": []}
        plot.features.data = {"w": [], "top": [], "bottom": [], "name": []}
        return
    curve = curve_data(spectrum)
    wavelength = spectrum.wavelength
    shown = np.concatenate([curve["flux"], curve["model"]])
    shown = shown[np.isfinite(shown)]
    low, high = np.quantile(shown, (0.001, 0.998)) if shown.size else (0.0, 1.0)
    top = high + 0.22 * max(high - low, 0.1)
    bottom = max(low - 0.06 * max(high - low, 0.1), -0.3)
    first, last = float(wavelength[0]), float(wavelength[-1])
    same_stretch = (plot.flux.x_range.reset_start, plot.flux.x_range.reset_end) == (first, last)
    if not same_stretch:
        plot.flux.x_range.update(start=first, end=last, reset_start=first, reset_end=last)
    plot.flux.y_range.update(start=bottom, end=top, reset_start=bottom, reset_end=top)
    pulls = curve["pull"][np.isfinite(curve["pull"])]
    reach = float(np.clip(np.quantile(np.abs(pulls), 0.995) * 1.3, 4.0, 50.0)) if pulls.size else 5.0
    plot.pull.y_range.update(start=-reach, end=reach, reset_start=-reach, reset_end=reach)
    plot.features.data = feature_marks(first, last, bottom, top)
    plot.masked.data = masked_stretches(spectrum)
    plot.telluric.data = telluric_stretches(first, last, rv_kms)
    plot.curve.data = curve


def curve_data(spectrum: StoredSpectrum) -> dict[str, NDArray[np.float32]]:
    """Arrays of the curves, float32: wavelength, flux, noise band, model, residual over sigma; NaN where masked."""
    good = ~spectrum.mask & (spectrum.ivar > 0)
    sigma = np.full(spectrum.flux.shape, np.nan, np.float32)
    sigma[good] = 1.0 / np.sqrt(spectrum.ivar[good])
    flux = np.where(spectrum.mask, np.nan, spectrum.flux).astype(np.float32)
    return {
        "w": spectrum.wavelength.astype(np.float32),
        "flux": flux,
        "low": np.where(good, flux - sigma, flux).astype(np.float32),
        "high": np.where(good, flux + sigma, flux).astype(np.float32),
        "model": spectrum.model.astype(np.float32),
        "pull": ((flux - spectrum.model) / sigma).astype(np.float32),
    }


def feature_marks(first: float, last: float, bottom: float, top: float) -> dict[str, list[Any]]:
    """Lines and band heads within the grid; names that would collide stand on up to three levels."""
    named = sorted((f for f in (*LINES, *BAND_HEADS) if first < f.wavelength < last), key=lambda f: f.wavelength)
    level, before, heights = 0, -np.inf, []
    for feature in named:
        level = (level + 1) % 3 if feature.wavelength - before < _CROWDED_ANGSTROM else 0
        before = feature.wavelength
        heights.append(top - level * 0.1 * (top - bottom))
    return {
        "w": [f.wavelength for f in named],
        "top": heights,
        "bottom": [bottom] * len(named),
        "name": [f.name for f in named],
    }


def masked_stretches(spectrum: StoredSpectrum) -> dict[str, list[float]]:
    """Edges of the runs of masked pixels."""
    padded = np.concatenate([[False], spectrum.mask | (spectrum.ivar <= 0), [False]])
    changes = np.flatnonzero(padded[1:] != padded[:-1])
    wavelength = spectrum.wavelength
    half = 0.5 * np.gradient(wavelength)
    starts, ends = changes[::2], changes[1::2] - 1
    return {
        "left": [float(value) for value in wavelength[starts] - half[starts]],
        "right": [float(value) for value in wavelength[ends] + half[ends]],
    }


def telluric_stretches(first: float, last: float, rv_kms: float) -> dict[str, list[Any]]:
    """Telluric bands moved into the star's rest frame."""
    factor = float(doppler_factor(rv_kms)) if np.isfinite(rv_kms) else 1.0
    bands = [(name, low / factor, high / factor) for name, low, high in TELLURIC]
    seen = [(name, low, high) for name, low, high in bands if high > first and low < last]
    return {
        "left": [low for _, low, _ in seen],
        "right": [high for _, _, high in seen],
        "name": [name for name, _, _ in seen],
    }


def _figure(x_range: Range1d, label: str, height: int) -> Figure:
    figure = Figure(x_range=x_range, y_range=Range1d(start=0.0, end=1.4), height=height, sizing_mode="stretch_both")
    drag, wheel = BoxZoomTool(), WheelZoomTool(dimensions="width")
    figure.tools = [drag, PanTool(), wheel, ResetTool(), SaveTool()]
    figure.toolbar.active_drag = drag
    figure.toolbar.active_scroll = wheel
    figure.toolbar_location = None
    figure.yaxis.axis_label = label
    figure.min_border_left = 52
    figure.min_border_right = 8
    figure.min_border_top = 2
    figure.min_border_bottom = 2
    figure.xaxis.formatter = CustomJSTickFormatter(code="return tick.toFixed(0)")
    figure.yaxis.axis_label_standoff = 4
    figure.lod_threshold = None
    figure.yaxis.ticker = BasicTicker(desired_num_ticks=4)
    figure.stylesheets = [FIGURE_FONT]
    return figure
