"""Evidence on request: chi-squared by window, CCF, posterior, nearest training stars, similar stars."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from explorer import protocol
from explorer.model.alike import like_by_labels, nearest_training
from explorer.model.library import Library, kept_by_library
from explorer.model.selection import InIds, SelectionMode
from explorer.model.work import REFITS, BusyError
from explorer.rooms.channel import Channel
from explorer.rooms.star_context import StarContext
from pipeline.domain.columns import column, names_at
from pipeline.products.manifest import ProductError
from pipeline.science.star.evidence import (
    HullPlace,
    Posterior,
    chi2_windows,
    correlate,
    peaks_of,
    place_in_hull,
    posterior,
)
from pipeline.science.star.likeness import Likeness
from pipeline.science.star.refit import Refit, RefitError

SHOWN_ALIKE = 8
_LINES = names_at("line")


class StarEvidence:
    """Handles the requests of the evidence tab.

    Parameters
    ----------
    context : StarContext
        The focused star and the label model.
    channel : Channel
        The way to the browser.
    """

    def __init__(self, context: StarContext, channel: Channel) -> None:
        self.context, self.channel = context, channel
        self.correlations = context.library.correlations
        channel.on(protocol.Evidence, lambda _: self._evidence())
        channel.on(protocol.Alike, self._alike)
        channel.on(protocol.AlikeSelect, self._select)

    async def _evidence(self) -> None:
        """Send quick results at once, then the posterior."""
        try:
            row, obsid, spectrum = self.context.focused()
        except RefitError as error:
            self.channel.send(evidence=protocol.Sentence(str(error)))
            return
        model, table = self.context.model, self.context.workspace.table
        rv = table.value("rv", row)
        with np.errstate(divide="ignore"):
            variance = 1.0 / spectrum.ivar.astype(np.float64) if model is None else model.total_variance(spectrum.ivar)
        evidence = protocol.EvidenceResult(
            obsid=str(obsid),
            sentence="",
            rv=rv if np.isfinite(rv) else None,
            windows=tuple(
                protocol.Chi2Window(window.low, window.high, window.chi2_nu if np.isfinite(window.chi2_nu) else None)
                for window in chi2_windows(spectrum, spectrum.model, variance)
            ),
            ccf=self._correlations(obsid, rv),
            lines=tuple(
                protocol.LineVelocity(column(name).label, table.value(name, row), table.value(f"{name}_err", row))
                for name in _LINES
                if np.isfinite(table.value(name, row))
            ),
        )
        published = self.context.published(row)
        labels = np.array([published[name] for name in model.names]) if model is not None else np.array([np.nan])
        if model is None or not np.isfinite(labels).all():
            self.channel.send(evidence=evidence)
            return
        nearest = tuple(str(star) for star in nearest_training(table, model, labels, SHOWN_ALIKE))
        self.channel.send(evidence=replace(evidence, hull=_hull(place_in_hull(model, labels)), nearest=nearest))
        snr = table.value("snr", row)

        def draw() -> protocol.PosteriorResult:
            fit = model.refit(spectrum, published, snr=snr)
            return _draws(obsid, fit, posterior(model, spectrum, fit))

        try:
            result: protocol.PosteriorResult | protocol.NoPosterior = await self.channel.in_background(draw, REFITS)
        except (RefitError, BusyError) as error:
            result = protocol.NoPosterior(str(obsid), str(error))
        self.channel.send(posterior=result)

    def _correlations(self, obsid: int, rv: float) -> tuple[protocol.Correlation, ...]:
        """The published CCF of a doubtful star, and the CCF with the star's own model."""
        functions: list[tuple[NDArray[np.float64], NDArray[np.floating], tuple[tuple[float, float], ...], str]] = []
        kept = self.correlations.of(obsid) if self.correlations is not None else None
        if kept is not None and self.correlations is not None:
            velocity = self.correlations.velocity_kms
            functions.append((velocity, kept, peaks_of(velocity, kept), "the best velocity template, as published"))
        spectrum = self.context.spectrum(obsid)
        if spectrum is not None and spectrum.has_model and np.isfinite(rv):
            own = correlate(spectrum, spectrum.model, rv)
            if own is not None:
                functions.append((own.velocity_kms, own.ccf, own.peaks, own.template))
        return tuple(
            protocol.Correlation(
                x=np.asarray(velocity, np.float32),
                y=np.asarray(ccf, np.float32),
                peaks=tuple(protocol.CorrelationPeak(*peak) for peak in peaks),
                template=template,
            )
            for velocity, ccf, peaks, template in functions
        )

    async def _alike(self, request: protocol.Alike) -> None:
        """Similar stars by spectrum or labels, most similar first."""
        similar = await self._find(request.by, SHOWN_ALIKE)
        focus = str(self.context.workspace.focus)
        self.channel.send(alike=protocol.Alikes(request.by, focus, tuple(str(obsid) for obsid in similar)))

    async def _select(self, request: protocol.AlikeSelect) -> None:
        """Select the similar stars and the star itself."""
        focus = self.context.workspace.focus
        count = min(max(request.count, 1), protocol.MAX_ALIKE)
        similar = await self._find(request.by, count)
        if similar and focus is not None:
            self.context.workspace.gesture(InIds((focus, *similar)), SelectionMode.REPLACE)
            if self.context.workspace.star_alone:  # nothing else shows it
                self.channel.send(message=f"{len(similar) + 1} stars are selected in the views.")
        else:
            self.channel.send(message="No star is similar to this one.")

    async def _find(self, by: str, most: int) -> tuple[int, ...]:
        row, obsid = self.context.workspace.focus_row, self.context.workspace.focus
        if row is None or obsid is None:
            return ()
        table, model, spectra = self.context.workspace.table, self.context.model, self.context.spectra
        library = self.context.library
        if by == "labels":
            return like_by_labels(table, row, most)
        if by == "training" and model is not None:
            published = self.context.published(row)
            return nearest_training(table, model, np.array([published[name] for name in model.names]), most)
        if by == "spectrum" and spectra is not None and obsid in spectra:
            try:
                return await self.channel.in_background(lambda: _likeness(library).nearest(obsid, most), REFITS)
            except ProductError as error:
                self.channel.send(message=str(error))
        return ()


def _hull(hull: HullPlace) -> protocol.Hull:
    return protocol.Hull(
        names=tuple(protocol.LabelName(name, column(name).axis_label) for name in hull.names),
        training=tuple(hull.training.astype(np.float32).T.copy()),
        star=tuple(hull.star.tolist()),
        distance=f"{hull.distance:.2f}",
        limit=f"{hull.limit:.2f}",
        outside=bool(hull.distance > hull.limit),
    )


def _draws(obsid: int, fit: Refit, drawn: Posterior) -> protocol.PosteriorResult:
    fitted, errors = dict(fit.labels), dict(fit.calibrated)
    return protocol.PosteriorResult(
        obsid=str(obsid),
        draws=tuple(drawn.draws.astype(np.float32).T.copy()),
        effective=f"{drawn.effective:.0f}",
        fitted=tuple(fitted[name] for name in drawn.names),
        calibrated=tuple(errors[name] if np.isfinite(errors[name]) else None for name in drawn.names),
    )


@kept_by_library(1)
def _likeness(library: Library) -> Likeness:
    """Similarity index, created at first use and shared."""
    assert library.products.spectra is not None
    spectra = library.products.spectra
    return Likeness(spectra.obsid, spectra.wavelength.size, spectra.block)
