"""The live refit: model by sliders, fits with fixed labels and masks, and proposals."""

from __future__ import annotations

import numpy as np

from explorer import protocol
from explorer.model.proposals import proposal_of
from explorer.model.star import error_text, number
from explorer.model.work import REFITS, BusyError
from explorer.rooms.channel import Channel
from explorer.rooms.star_context import StarContext
from explorer.rooms.star_spectrum import StarSpectrum, checked_intervals
from pipeline.domain.column import DEFAULT_DIGITS, Column
from pipeline.domain.columns import column
from pipeline.science.star.refit import Refit, RefitError, Wish

RV_REACH_KMS = 300.0
"""Half range of the velocity slider."""

_FINE_STEP = 0.005
"""Step of the sliders of columns with two decimals or more."""


class LiveRefit:
    """Handles the sliders and the fit button.

    Parameters
    ----------
    context : StarContext
        The focused star and the label model.
    spectrum : StarSpectrum
        The drawing to which trial models are added.
    channel : Channel
        The way to the browser.
    """

    def __init__(self, context: StarContext, spectrum: StarSpectrum, channel: Channel) -> None:
        self.context, self.spectrum, self.channel = context, spectrum, channel
        self._last: tuple[int, Wish, Refit] | None = None
        channel.on(protocol.Slide, self._slide)
        channel.on(protocol.Refit, self._refit)
        channel.on(protocol.Propose, self._propose)

    def setup(self) -> protocol.RefitSetup:
        """Labels with their ranges; a sentence if there is no model."""
        model = self.context.model
        if model is None:
            return protocol.RefitSetup(self.context.no_model)
        labels = []
        for name in model.names:
            declared = column(name)
            ends = model.ends(name)
            labels.append(protocol.LabelSlider(name, declared.label, declared.unit, *ends, _step(declared)))
        rv = column("rv")
        labels.append(protocol.LabelSlider("rv", rv.label, rv.unit, -RV_REACH_KMS, RV_REACH_KMS, _step(rv)))
        return protocol.RefitSetup("", tuple(labels))

    def _slide(self, request: protocol.Slide) -> None:
        """The model for the sliders' labels."""
        try:
            row, obsid, spectrum = self.context.focused()
        except RefitError as error:
            self.channel.refuse(str(error), "slide")
            return
        trial = self.spectrum.try_labels(row, spectrum, request.labels)
        if trial is not None:
            self.channel.send(trial=protocol.TrialModel(str(obsid), request.number, trial))

    @staticmethod
    def wish(request: protocol.Refit) -> Wish:
        """The requested fit."""
        return Wish(tuple(request.fixed.items()), request.fit_rv, checked_intervals(request.masked))

    async def _refit(self, request: protocol.Refit) -> None:
        try:
            row, obsid, spectrum = self.context.focused()
            model = self.context.model
            if model is None:
                raise RefitError(self.context.no_model)  # noqa: TRY301 - reported like all other reasons
            wish, published = self.wish(request), self.context.published(row)
            snr = self.context.workspace.table.value("snr", row)
            fit = await self.channel.in_background(lambda: model.refit(spectrum, published, wish, snr), REFITS)
        except (RefitError, BusyError) as error:
            self.channel.send(refit=protocol.Sentence(str(error)))
            return
        self._last = (obsid, wish, fit)
        if obsid != self.context.workspace.focus:  # the visitor has gone on
            self.channel.send(refit=protocol.Sentence(f"The fit of obsid {obsid} ended after you had left it."))
            return
        trial = self.spectrum.try_labels(row, spectrum, dict(fit.labels))
        if trial is not None:
            self.channel.send(refit=self._answer(obsid, fit, trial))

    @staticmethod
    def _answer(obsid: int, fit: Refit, trial: protocol.TrialDrawing) -> protocol.RefitResult:
        formal, calibrated = dict(fit.formal), dict(fit.calibrated)
        rows = tuple(
            protocol.RefitRow(
                name, number(column(name), value), _error(name, calibrated[name]), _error(name, formal[name])
            )
            for name, value in fit.labels
        )
        return protocol.RefitResult(
            obsid=str(obsid),
            sentence="",
            values=dict(fit.labels),
            rows=rows,
            fixed=fit.fixed,
            at_bound=fit.at_bound,
            reason=fit.reason,
            chi2=f"{fit.chi2:.1f}",
            published_chi2=f"{fit.published_chi2:.1f}" if np.isfinite(fit.published_chi2) else "-",
            reduced=f"{fit.reduced_chi2:.3f}",
            n_pixels=f"{fit.n_pixels:,}",
            trial=trial,
        )

    def _propose(self, request: protocol.Propose) -> None:
        """Store the last fit of this star as a proposal, with the visitor's reason."""
        context = self.context
        if self._last is None or self._last[0] != context.workspace.focus or context.model is None:
            self.channel.send(message="Fit this star first: a proposal needs a fit.")
            return
        obsid, wish, fit = self._last
        manifest = context.library.products.manifest
        proposal = proposal_of(context.model, obsid, wish, fit, f"{manifest.name} {manifest.created}", request.reason)
        context.workspace.proposals = {**context.workspace.proposals, obsid: proposal}
        self.channel.send(proposed=protocol.Proposed(str(obsid), proposal.why))


def _error(name: str, value: float) -> str:
    return "held" if value == 0.0 else error_text(name, value)


def _step(declared: Column) -> float:
    """Step of a column's slider, one unit of the last shown digit."""
    return 10.0**-declared.digits if declared.digits < DEFAULT_DIGITS else _FINE_STEP
