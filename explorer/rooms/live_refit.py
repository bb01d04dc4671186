"""The live refit: model by sliders, fits with fixed labels and masks, and proposals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from explorer import protocol
from explorer.model.proposals import proposal_of
from explorer.model.star import error_text, number
from explorer.model.work import REFITS, BusyError
from explorer.rooms.channel import Channel
from explorer.rooms.star_context import StarContext
from pipeline.domain.column import DEFAULT_DIGITS, Column
from pipeline.domain.columns import column
from pipeline.science.star.refit import Interval, LabelModel, Refit, RefitError, Trial, Wish, shift_between

RV_REACH_KMS = 300.0
"""Half range of the velocity slider."""

_MAX_INTERVALS = 200
_FINE_STEP = 0.005
"""Step of the sliders of columns with two decimals or more."""


class LiveRefit:
    """Handles the sliders and the fit button.

    Parameters
    ----------
    context : StarContext
        The focused star and the label model.
    channel : Channel
        The way to the browser.
    """

    def __init__(self, context: StarContext, channel: Channel) -> None:
        self.context, self.channel = context, channel
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
        return protocol.RefitSetup("", tuple(labels), model.slam.sigma_pixel_.astype(np.float32))

    @staticmethod
    def intervals(stored: protocol.Intervals) -> tuple[Interval, ...]:
        """Masked intervals as the browser sends them, without empty ones."""
        if len(stored) > _MAX_INTERVALS:
            raise ValueError(f"{len(stored)}masked intervals; at most {_MAX_INTERVALS} are taken.")
        return tuple((low, high) for low, high in stored if low < high)

    def _slide(self, request: protocol.Slide) -> None:
        """The model for the sliders' labels."""
        model = self.context.model
        row = self.context.workspace.focus_row
        if model is None or row is None:
            return
        flux = self._model_at(model, row, request.labels)
        self.channel.send(slid=protocol.Slid(str(self.context.workspace.focus), request.number, flux))

    def _model_at(self, model: LabelModel, row: int, values: Mapping[str, float | None]) -> NDArray[np.float32]:
        labels = {name: _given(values, name) for name in model.names}
        start = self.context.published(row)["rv"]
        shift = shift_between(start if np.isfinite(start) else 0.0, _given(values, "rv"))
        return model.spectrum(labels, shift).astype(np.float32)

    def trial(self, row: int, values: Mapping[str, float | None]) -> Trial | None:
        """Model of the sliders or of the last refit; None without a label model."""
        model = self.context.model
        if model is None:
            return None
        labels = tuple((name, _given(values, name)) for name in (*model.names, "rv"))
        return Trial(labels, self._model_at(model, row, values))

    def wish(self, request: protocol.Refit) -> Wish:
        """The requested fit."""
        return Wish(tuple(request.fixed.items()), request.fit_rv, self.intervals(request.masked))

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
        self.channel.send(refit=self._answer(obsid, fit))

    def _answer(self, obsid: int, fit: Refit) -> protocol.RefitResult:
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
            model=fit.model.astype(np.float32),
        )

    def _propose(self, request: protocol.Propose) -> None:
        """Store the last fit of this star as a proposal, with the visitor's reason."""
        context = self.context
        if self._last is None or self._last[0] != context.workspace.focus or context.model is None:
            self.channel.send(say="Fit this star first: a proposal needs a fit.")
            return
        obsid, wish, fit = self._last
        manifest = context.library.products.manifest
        proposal = proposal_of(context.model, obsid, wish, fit, f"{manifest.name} {manifest.created}", request.why)
        context.workspace.proposals = {**context.workspace.proposals, obsid: proposal}
        self.channel.send(proposed=protocol.Proposed(str(obsid), proposal.why))


def _given(values: Mapping[str, float | None], name: str) -> float:
    value = values[name]
    if value is None:
        raise ValueError(f"The slider of {name!r} has no value.")
    return value


def _error(name: str, value: float) -> str:
    return "held" if value == 0.0 else error_text(name, value)


def _step(declared: Column) -> float:
    """Step of a column's slider, one unit of the last shown digit."""
    return 10.0**-declared.digits if declared.digits < DEFAULT_DIGITS else _FINE_STEP
