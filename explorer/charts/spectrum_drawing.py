"""The drawing of a spectrum: every number that the page paints and that the picture shows."""

from __future__ import annotations

import numpy as np
from msgspec import UNSET

from explorer import protocol
from explorer.charts.curves import curve_of
from explorer.charts.spectrum import BLUE_ARM_END, RED_ARM_START, TELLURIC, is_from_lamost
from explorer.charts.spectrum_content import SpectrumContent
from explorer.charts.spectrum_measured import measured_of
from explorer.charts.spectrum_numbers import (
    CROWDED,
    LABEL_STEP,
    PULL_EDGE,
    Ends,
    Floats,
    compared_ends,
    flux_ends,
    label_steps,
    noise_band,
    pull_end,
    residuals,
    runs,
    smoothed,
)
from explorer.model.line_lists import shown_lines
from pipeline.science.star.refit import in_any

MAX_NAMES = 60
"""Maximum number of lines on screen whose names are written."""

MARGIN = 1.0
"""Lines are marked this far beyond the ends of the axis, in its span, for the beginning of a move."""

_STEP_OF_NOISE, _STEP_OF_SPAN, _STEP_OF_SIGMA = 0.02, 2e-4, 0.01
"""Coarsest steps of fluxes, in the median noise or, without noise, in the span of the axis; and of residuals."""


def drawing_of(content: SpectrumContent) -> protocol.SpectrumDrawing:
    """Compute the drawing of a spectrum."""
    spectrum, look = content.spectrum, content.look
    wavelength = content.on_axis(spectrum.wavelength)
    smooth = smoothed(content.flux, look.smooth)
    flux = content.scaled(smooth)
    noise = content.scaled(content.noise)
    low, high = noise_band(flux, noise)
    shows_model = look.model and spectrum.has_model
    model = content.scaled(spectrum.model) if shows_model else np.full(flux.size, np.nan)
    ends = content.axis_ends
    bottom, top = flux_ends(wavelength, flux, model, ends)
    coarsest = _coarsest(noise, top - bottom)
    pinned = [smoothed(pin.flux, look.smooth) for pin in content.pins]
    trial = None if content.trial is None else trial_of(content, content.trial)
    from_lamost = is_from_lamost(spectrum.wavelength)
    return protocol.SpectrumDrawing(
        obsid=str(spectrum.obsid),
        number=content.number,
        stretch=content.stretch,
        air=look.air,
        ends=ends,
        label=f"{'Observed' if look.observed else 'Rest'} wavelength, {'air' if look.air else 'vacuum'} [Å]",
        flux=curve_of(flux, coarsest),
        low=curve_of(low, coarsest),
        high=curve_of(high, coarsest),
        model=curve_of(model, coarsest) if shows_model else UNSET,
        flux_ends=(bottom, top),
        flux_label="flux [instrumental]" if look.raw else "normalised flux",
        residuals=residuals_of(content) if trial is None else trial.residuals,
        lower=_lower(content) if trial is None else trial.lower,
        curves=_curves(content) if trial is None else trial.curves,
        marks=_marks(content, (bottom, top)),
        masked=runs(wavelength, ~content.good),
        own=tuple(_on_axis(content, *ends) for ends in content.masked),
        telluric=tuple(
            protocol.TelluricStrip(name, *_on_axis(content, start / content.redshift, end / content.redshift))
            for name, start, end in (TELLURIC if from_lamost else ())
        ),
        arm_edge=_on_axis(content, 0.5 * (RED_ARM_START + BLUE_ARM_END) / content.redshift)[0] if from_lamost else None,
        pinned=tuple(
            protocol.PinnedCurve(pin.obsid, pin.colour, curve_of(content.scaled(values), coarsest))
            for pin, values in zip(content.pins, pinned, strict=True)
        ),
        compared=_compared(content, smooth, pinned) if content.compares else UNSET,
        trial=UNSET if trial is None else trial.flux,
        measured=UNSET if content.measured is None else measured_of(content, content.measured),
    )


def trial_of(content: SpectrumContent, flux: Floats) -> protocol.TrialDrawing:
    """Compute the drawing of a trial model over a spectrum."""
    noise = content.scaled(content.noise)
    return protocol.TrialDrawing(
        flux=curve_of(content.scaled(flux), _coarsest(noise, 0.0)),
        residuals=residuals_of(content, flux),
        curves=(*_curves(content), protocol.CurveName("trial model", "trial")),
        lower=content.look.residual,
    )


def residuals_of(content: SpectrumContent, trial: Floats | None = None) -> protocol.ResidualsDrawing:
    """Compute residuals of the published model, or of a trial model, and their axis."""
    pull = _pull(content, trial)
    end = _pull_end(content, pull)
    return protocol.ResidualsDrawing(
        values=curve_of(pull, _STEP_OF_SIGMA),
        ends=(-end, end),
        label="residual / σ" if trial is None else "trial / σ",
        about=_divided_by(content, "model" if trial is None else "trial"),
        beyond=_beyond(content, pull, end),
    )


def frame_of(content: SpectrumContent, flux: Ends) -> protocol.SpectrumFrame:
    """Compute the parts that change with the wavelengths on screen.

    Parameters
    ----------
    content : SpectrumContent
        With the new zoom.
    flux : tuple of float
        Ends of the axis of fluxes, which stays.
    """
    pull = _pull(content, content.trial)
    end = _pull_end(content, pull)
    return protocol.SpectrumFrame(
        obsid=str(content.spectrum.obsid),
        number=content.number,
        residual_ends=(-end, end),
        beyond=_beyond(content, pull, end),
        marks=_marks(content, flux),
    )


def _divided_by(content: SpectrumContent, compared: str) -> str:
    """Divisor of the residuals, in words."""
    smooth = f", smoothed over {content.look.smooth} px" if content.look.smooth else ""
    error = "noise" if content.model_error is None else "√(noise² + model error²)"
    return f"(data − {compared}) / {error}{smooth}"


def _pull(content: SpectrumContent, trial: Floats | None) -> Floats:
    spectrum = content.spectrum
    model = spectrum.model if trial is None else trial
    hidden = in_any(spectrum.wavelength, content.masked)
    raw = residuals(content.flux, content.noise, model, content.model_error, hidden)
    return smoothed(raw, content.look.smooth)


def _pull_end(content: SpectrumContent, pull: Floats) -> float:
    return pull_end(pull[in_any(content.spectrum.wavelength, [content.ends])])


def _beyond(content: SpectrumContent, pull: Floats, end: float) -> tuple[protocol.BeyondMark, ...]:
    """Marks of residuals beyond the axis."""
    pixels = np.flatnonzero(np.abs(np.nan_to_num(pull)) > end)
    at, signs = content.on_axis(content.spectrum.wavelength[pixels]).tolist(), np.sign(pull[pixels]).tolist()
    return tuple(
        protocol.BeyondMark(wavelength, sign * PULL_EDGE * end, sign > 0)
        for wavelength, sign in zip(at, signs, strict=True)
    )


def _on_axis(content: SpectrumContent, *rest: float) -> Ends:
    """Two wavelengths of the axis for those at rest in vacuum; one given alone is both."""
    values = content.on_axis(rest)
    return float(values[0]), float(values[-1])


def _coarsest(noise: Floats, span: float) -> float:
    """Coarsest step of fluxes that cannot be seen."""
    known = noise[np.isfinite(noise)]
    return _STEP_OF_NOISE * float(np.median(known)) if known.size else _STEP_OF_SPAN * span


def _lower(content: SpectrumContent) -> bool:
    """Whether there are lower axes, without a trial model."""
    return content.look.residual and (content.spectrum.has_model or content.compares)


def _curves(content: SpectrumContent) -> tuple[protocol.CurveName, ...]:
    """Curves of the legend, without a trial model and pinned stars."""
    data = protocol.CurveName("data", "data")
    shown = content.look.model and content.spectrum.has_model
    return (data, protocol.CurveName("published model", "model")) if shown else (data,)


def _marks(content: SpectrumContent, flux: Ends) -> tuple[protocol.LineMark, ...]:
    """Lines and band heads on screen and beside it; names that would collide are written lower."""
    if not content.look.lines:
        return ()
    (low, high), (bottom, top) = content.ends, flux
    margin, (first, *_, last) = MARGIN * (high - low), content.spectrum.wavelength.tolist()
    shown = shown_lines(content.lists, max(first, low - margin), min(last, high + margin))
    places = content.on_axis([line.wavelength for line, _ in shown]).tolist()
    steps = label_steps(places, CROWDED * (content.axis_ends[1] - content.axis_ends[0]))
    named = sum(low <= line.wavelength <= high for line, _ in shown) <= MAX_NAMES
    return tuple(
        protocol.LineMark(line.name if named else "", place, top - step * LABEL_STEP * (top - bottom), colour)
        for (line, colour), place, step in zip(shown, places, steps, strict=True)
    )


def _compared(content: SpectrumContent, own: Floats, pinned: list[Floats]) -> protocol.ComparedDrawing:
    ratio = content.look.compare == "ratio"
    with np.errstate(divide="ignore", invalid="ignore"):
        curves = [own / theirs if ratio else own - theirs for theirs in pinned]
    ends = compared_ends(np.concatenate(curves), ratio=ratio)
    return protocol.ComparedDrawing(
        curves=tuple(curve_of(values, _coarsest(content.noise, ends[1] - ends[0])) for values in curves),
        ends=ends,
        label="this / pinned" if ratio else "this − pinned",
    )
