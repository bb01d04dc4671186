"""One fit to a sample: what is computed in the background, and the message on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer import protocol
from explorer.charts.answers import distribution_drawing, relation_drawing, with_gaussian
from explorer.charts.chart import Curve, FitOverlay
from explorer.charts.palettes import DATA_LINE, FIT_LINE
from explorer.model.answer_texts import fit_rows
from explorer.model.answers import Fit, fit_distribution, fit_relation
from explorer.model.samples import Sample
from explorer.model.screen import BarHeight, FitKind
from explorer.model.selection import SelectionError
from explorer.model.table import StarTable


@dataclass(frozen=True, eq=False)
class FitTask:
    """A fit as it was asked for.

    Parameters
    ----------
    table : StarTable
        The catalogue.
    model : FitKind
        The kind of fit.
    x, y : str
        The columns; a Gaussian is of y alone.
    sample : Sample
        The stars.
    dark : bool
        Whether the page is dark.
    """

    table: StarTable
    model: FitKind
    x: str
    y: str
    sample: Sample
    dark: bool

    def fit(self) -> Fit:
        """Fit; SelectionError where nothing can be fitted."""
        if self.model is FitKind.GAUSSIAN:
            return fit_distribution(self.table, self.y, self.sample)
        return fit_relation(self.table, self.x, self.y, self.sample)

    def result(self) -> tuple[protocol.FitUpdate, FitOverlay]:
        """The message, and what is drawn over views of the columns."""
        try:
            fit = self.fit()
        except SelectionError as error:
            refused = protocol.FitUpdate(
                stale=False, sentence=str(error), rows=(), sentences=(), relation=None, distribution=None
            )
            return refused, FitOverlay()
        relation = self.relation(fit)
        update = protocol.FitUpdate(
            stale=False,
            sentence="",
            rows=tuple(protocol.FitRow(*row) for row in fit_rows(fit)),
            sentences=fit.sentences,
            relation=relation,
            distribution=self.distribution(fit),
        )
        colour = FIT_LINE[self.dark]
        if relation is not None:
            return update, FitOverlay((self.x, self.y), curves_of(relation, dark=self.dark), colour=colour)
        if fit.gaussian is None:
            return update, FitOverlay()
        density, stars = fit.gaussian.density, fit.gaussian.mean.stars
        return update, FitOverlay((self.y,), density=density, stars=stars, colour=colour)

    def relation(self, fit: Fit) -> protocol.RelationDrawing | None:
        """Stars with the line and the running median; None for a Gaussian."""
        return None if fit.x is None else relation_drawing(self.table, fit, self.sample)

    def distribution(self, fit: Fit) -> protocol.DistributionDrawing | None:
        """Histogram with the Gaussian; None for a line."""
        if fit.gaussian is None:
            return None
        height = BarHeight.NUMBER
        drawing = distribution_drawing(self.table, self.y, (self.sample,), 0, height, cumulative=False)
        return with_gaussian(drawing, fit.gaussian, height)


def curves_of(drawing: protocol.RelationDrawing, *, dark: bool) -> tuple[Curve, ...]:
    """Curves of a fit over the stars of a view: the line, and the running median with its errors."""
    line, medians = (FIT_LINE[dark], FIT_LINE[False]), (DATA_LINE[dark], DATA_LINE[False])
    result = []
    if drawing.line_x.size:
        result.append(Curve(drawing.line_x, drawing.line_y, line[0], "solid", line[1]))
        sides = (drawing.line_low, drawing.line_high)
        result += [Curve(drawing.line_x, side, line[0], "dotted", line[1]) for side in sides]
    if drawing.at.size > 1:
        result.append(Curve(drawing.at, drawing.median, medians[0], "solid", medians[1]))
    for at, middle, error in zip(drawing.at, drawing.median, drawing.error, strict=True):
        bar = np.array([middle - error, middle + error])
        result.append(Curve(np.array([at, at]), bar, medians[0], "solid", medians[1]))
    return tuple(result)
