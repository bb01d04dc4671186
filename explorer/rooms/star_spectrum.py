"""The spectrum of the star panel: settings of the page's controls, and the drawings that follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.spectrum_content import Pin, SpectrumContent
from explorer.charts.spectrum_drawing import drawing_of, frame_of, trial_of
from explorer.charts.spectrum_numbers import PIN_COLOURS
from explorer.rooms.star_context import StarContext
from pipeline.domain.stored_spectrum import StoredSpectrum
from pipeline.science.star.refit import Interval, Trial, shift_between

MAX_PINS = len(PIN_COLOURS)

_MAX_INTERVALS = 200
_INITIAL = protocol.Draw("", protocol.DEFAULT_LOOK, zoom=None, masked=(), measured=None, trial=None, pins=(), number=0)


class StarSpectrum:
    """Draws spectra of stars with the settings of the page's controls.

    Parameters
    ----------
    context : StarContext
        The focused star and the label model.
    """

    def __init__(self, context: StarContext) -> None:
        self.context = context
        self.controls = _INITIAL
        self._flux_ends: protocol.Ends = (0.0, 1.0)

    def reset(self) -> None:
        """Return to the controls of a new page."""
        self.controls = _INITIAL

    def control(self, request: protocol.Draw) -> None:
        """Keep the controls; a mask and a trial of a star that is not focused any more are dropped.

        Raises
        ------
        KeyError, ValueError
            If the zoom or the measured range has no length, a label of the trial no value, a pinned star is no obsid,
            or there are too many of them or of masked intervals.
        """
        _check_ends(request.zoom)
        _check_ends(request.measured)
        checked_intervals(request.masked)
        self._labels(request.trial)
        if len(request.pins) > MAX_PINS or not all(map(str.isdecimal, request.pins)):
            raise ValueError(f"The pinned stars are {request.pins}: at most {MAX_PINS} obsids are drawn.")
        self.controls = request
        self.follow(str(self.context.workspace.focus))

    def zoom(self, request: protocol.SpectrumZoom) -> None:
        """Keep the wavelengths on screen; raise ValueError if they have no length."""
        _check_ends(request.ends)
        self.controls = replace(self.controls, zoom=request.ends, number=request.number)

    def frame(self, row: int, spectrum: StoredSpectrum) -> protocol.SpectrumFrame:
        """Changes by the zoom in the drawing of a star."""
        trial = self._trial_of(row, spectrum)
        content = self.content(row, spectrum, trial)
        return frame_of(content, self._flux_ends)

    def follow(self, obsid: str) -> None:
        """Drop mask and trial of another star."""
        if obsid != self.controls.obsid:
            self.controls = replace(self.controls, obsid=obsid, masked=(), trial=None)

    def content(self, row: int, spectrum: StoredSpectrum, trial: NDArray[np.floating] | None = None) -> SpectrumContent:
        """Contents of a star's drawing; the mask belongs to the star of the controls."""
        controls, model = self.controls, self.context.model
        look = controls.look
        return SpectrumContent(
            spectrum=spectrum,
            rv_kms=self.context.workspace.table.value("rv", row),
            look=look if self.context.has_continuum else replace(look, raw=False),
            zoom=controls.zoom,
            masked=self.masked if str(spectrum.obsid) == controls.obsid else (),
            trial=trial,
            pins=tuple(self._pins(spectrum.obsid)),
            model_error=None if model is None else model.slam.sigma_pixel_,
            number=controls.number,
            lists=self.context.workspace.lines,
            measured=controls.measured,
        )

    def drawing(self, row: int, spectrum: StoredSpectrum) -> protocol.SpectrumDrawing:
        """The drawing of a star."""
        drawing = drawing_of(self.content(row, spectrum, self._trial_of(row, spectrum)))
        if str(spectrum.obsid) == self.controls.obsid:
            self._flux_ends = drawing.flux_ends
        return drawing

    def _trial_of(self, row: int, spectrum: StoredSpectrum) -> NDArray[np.floating] | None:
        """The trial model of the focused star; None without one, and for another star."""
        trial = self.trial(row) if str(spectrum.obsid) == self.controls.obsid else None
        return None if trial is None else trial.flux

    def try_labels(
        self, row: int, spectrum: StoredSpectrum, labels: Mapping[str, float | None]
    ) -> protocol.TrialDrawing | None:
        """Show the model of some labels over the focused star's spectrum; None without a label model."""
        values = self._labels(labels)
        self.follow(str(spectrum.obsid))
        self.controls = replace(self.controls, trial=values)
        trial = self.trial(row)
        return None if trial is None else trial_of(self.content(row, spectrum), trial.flux)

    def trial(self, row: int) -> Trial | None:
        """Model of the sliders or of the last refit, for a star; None where none is shown."""
        model, labels = self.context.model, self._labels(self.controls.trial)
        if model is None or labels is None:
            return None
        start = self.context.published(row)["rv"]
        shift = shift_between(start if np.isfinite(start) else 0.0, labels["rv"])
        return Trial(tuple(labels.items()), model.spectrum(labels, shift).astype(np.float32))

    @property
    def masked(self) -> tuple[Interval, ...]:
        """Stretches of the focused star that the visitor masked, at rest."""
        return checked_intervals(self.controls.masked)

    def _labels(self, values: Mapping[str, float | None] | None) -> dict[str, float] | None:
        """All labels of a trial and its velocity; None without a trial or a label model."""
        model = self.context.model
        if model is None or values is None:
            return None
        return {name: _given(values, name) for name in (*model.names, "rv")}

    def _pins(self, obsid: int) -> Iterator[Pin]:
        """Pinned stars with a spectrum, without this one, each with the colour of its place."""
        for other, colour in zip(map(int, self.controls.pins), PIN_COLOURS, strict=False):
            spectrum = self.context.spectrum(other)
            if spectrum is not None and other != obsid:
                yield Pin(str(other), colour, np.where(spectrum.mask, np.nan, spectrum.flux))


def checked_intervals(intervals: protocol.Intervals) -> tuple[Interval, ...]:
    """Masked intervals as the browser sends them, without empty ones.

    Raises
    ------
    ValueError
        If there are too many.
    """
    if len(intervals) > _MAX_INTERVALS:
        raise ValueError(f"{len(intervals)} masked intervals; at most {_MAX_INTERVALS} are taken.")
    return tuple((low, high) for low, high in intervals if low < high)


def _check_ends(ends: protocol.Ends | None) -> None:
    if ends is not None and not 0.0 < ends[1] - ends[0] < np.inf:
        raise ValueError(f"A range from {ends[0]:g} to {ends[1]:g} Angstrom has no length.")


def _given(values: Mapping[str, float | None], name: str) -> float:
    value = values[name]
    if value is None:
        raise ValueError(f"The slider of {name!r} has no value.")
    return value
