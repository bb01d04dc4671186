"""The drawing of a measured line: its numbers as texts, the shaded area and the fit."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from explorer import protocol
from explorer.charts.spectrum_content import SpectrumContent
from explorer.charts.spectrum_numbers import Ends, Floats
from explorer.model.line_lists import Line, nearest_line
from pipeline.science.spectra.line_measurement import (
    LineMeasurement,
    Measured,
    MeasureError,
    measure_line,
    velocity_of,
)
from pipeline.science.star.refit import in_any

_FIT_POINTS = 200
"""Points of the drawn Gaussian."""

_CONTINUA = {
    "edges": "a straight line through the outer fifths of the range",
    "unity": "the pseudo-continuum, taken as 1 without error",
}
_MIN_DIGITS, _MAX_DIGITS = 0, 5


def measured_of(content: SpectrumContent, ends: Ends) -> protocol.MeasuredDrawing:
    """Measure a line between two rest wavelengths and compute its drawing."""
    first, last = content.on_axis(ends)
    own = in_any(content.spectrum.wavelength, content.masked)
    try:
        result = measure_line(content.spectrum, *ends, content.look.continuum, excluded=own)
    except MeasureError as error:
        none, no_curve = np.empty(0), np.empty(0, np.float32)
        return protocol.MeasuredDrawing(
            (float(first), float(last)), str(error), (), "", none, no_curve, no_curve, none, no_curve
        )
    centre = _centre(result)
    line = nearest_line(content.lists, *ends, centre.value) if centre else None
    rows = tuple(_rows(content, result, line))
    gaussian = result.gaussian
    fit_at = np.linspace(*ends, _FIT_POINTS) if gaussian else np.empty(0)
    fit = gaussian.flux(fit_at) if gaussian else np.empty(0)
    return protocol.MeasuredDrawing(
        ends=(float(first), float(last)),
        sentence=_sentence(content, result),
        rows=rows,
        table=_table(content, ends, rows),
        wavelength=content.on_axis(result.wavelength),
        flux=_scaled(content, result.wavelength, result.flux),
        continuum=_scaled(content, result.wavelength, result.continuum),
        fit_at=content.on_axis(fit_at),
        fit=_scaled(content, fit_at, fit),
    )


def _centre(result: LineMeasurement) -> Measured | None:
    """The centroid, or else the centre of the Gaussian."""
    return result.centroid or (result.gaussian.centre if result.gaussian else None)


def _scaled(
    content: SpectrumContent, wavelength: Floats, values: Floats
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Normalised values on the scale of the figure."""
    if content.look.raw:
        values = values * np.interp(wavelength, content.spectrum.wavelength, content.spectrum.continuum)
    return np.asarray(values, np.float32)


def _sentence(content: SpectrumContent, result: LineMeasurement) -> str:
    text = f"Continuum: {_CONTINUA[content.look.continuum]}. {result.wavelength.size} pixels"
    if result.n_masked:
        text += f"; {result.n_masked} masked ones are left out, and the width bridges them by straight lines"
    return f"{text}. Errors are those of the noise."


def _rows(content: SpectrumContent, result: LineMeasurement, line: Line | None) -> Iterator[protocol.MeasuredRow]:
    """Measured quantities; wavelengths and widths are those of the axis."""
    scale = content.axis_ends[1] / content.ends[1]
    frame = f"{'observed' if content.look.observed else 'rest'}, {'air' if content.look.air else 'vacuum'}"

    def width(name: str, value: Measured, about: str) -> protocol.MeasuredRow:
        return _row(f"{name} [Å]", Measured(scale * value.value, scale * value.error), about)

    def wavelength(name: str, value: Measured, about: str) -> protocol.MeasuredRow:
        return _row(f"{name} [Å]", Measured(float(content.on_axis(value.value)), scale * value.error), about)

    def velocity(value: Measured, of: str) -> Iterator[protocol.MeasuredRow]:
        if line is not None:
            named = f"{line.name} {float(content.on_axis(line.wavelength)):.2f} Å"
            about = f"Velocity of the {of} against {named}, beside the star's published velocity"
            yield _row(f"Velocity, {of} [km/s]", velocity_of(value, line.wavelength), about)

    yield width("Equivalent width", result.equivalent_width, "Positive for absorption")
    if result.centroid is not None:
        yield wavelength("Centroid", result.centroid, f"Mean wavelength, weighted by the depth ({frame})")
        yield from velocity(result.centroid, "centroid")
    else:
        yield protocol.MeasuredRow("Centroid [Å]", "none", "The equivalent width is within three errors of zero")
    gaussian = result.gaussian
    if gaussian is None:
        yield protocol.MeasuredRow("Gaussian", "none", "No Gaussian fits inside this range")
        return
    yield wavelength("Gaussian centre", gaussian.centre, f"Centre of the fitted Gaussian ({frame})")
    yield from velocity(gaussian.centre, "Gaussian")
    yield width("Gaussian sigma", gaussian.sigma, f"FWHM {scale * gaussian.fwhm.value:.2f} Å")
    yield _row("Gaussian depth", gaussian.depth, "Fraction of the continuum; negative for emission")
    if math.isfinite(gaussian.chi2_nu):
        yield protocol.MeasuredRow("Gaussian χ²/ν", f"{gaussian.chi2_nu:.2f}", "Reduced chi-squared of the fit")


def _row(name: str, measured: Measured, about: str) -> protocol.MeasuredRow:
    """A value with two significant digits of its error."""
    value, error = measured
    digits = _MAX_DIGITS
    if math.isfinite(error) and error > 0.0:
        digits = min(max(1 - math.floor(math.log10(error)), _MIN_DIGITS), _MAX_DIGITS)
    return protocol.MeasuredRow(name, f"{value:.{digits}f} ± {error:.{digits}f}", about)


def _table(content: SpectrumContent, ends: Ends, rows: tuple[protocol.MeasuredRow, ...]) -> str:
    """The rows as one line of values under one of names, separated by tabs."""
    first, last = content.on_axis(ends)
    names, values = ["obsid", "from [Å]", "to [Å]", "continuum"], [str(content.spectrum.obsid)]
    values += [f"{first:.2f}", f"{last:.2f}", content.look.continuum]
    for row in rows:
        value, _, error = row.text.partition(" ± ")
        names.append(row.name)
        values.append("" if value == "none" else value)
        if error:
            names.append(f"error of {row.name}")
            values.append(error)
    return "\t".join(names) + "\n" + "\t".join(values) + "\n"
