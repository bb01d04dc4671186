"""One comparison of two samples: what is computed in the background, and the message on it."""

from __future__ import annotations

from dataclasses import dataclass

from explorer import protocol
from explorer.charts.answers import Ends, difference_drawing, distribution_drawing
from explorer.model.answer_texts import answer_rows, headline
from explorer.model.answers import Answer, answer, check_samples, number_column
from explorer.model.samples import Sample
from explorer.model.selection import Mask, SelectionError
from explorer.model.table import StarTable
from explorer.model.work import check_stopped
from explorer.state.answers import CompareState
from pipeline.science.quality.sample_statistics import MAX_QUICK


@dataclass(frozen=True, eq=False)
class CompareTask:
    """A comparison as it was asked for.

    Parameters
    ----------
    table : StarTable
        The catalogue.
    state : CompareState
        The choices.
    columns : tuple of str
        The compared columns.
    first, second : Sample
        The samples.
    ends : tuple of (float, float) or None
        Ends of the map's axes, of a view that shows its plane.
    dark : bool
        Whether the page is dark.
    """

    table: StarTable
    state: CompareState
    columns: tuple[str, ...]
    first: Sample
    second: Sample
    ends: tuple[Ends, Ends] | None
    dark: bool

    def result(self, *, whole: bool) -> protocol.CompareUpdate:
        """Compare; the errors of medians and the tests only with ``whole``."""
        try:
            shared = check_samples(self.first, self.second)
        except SelectionError as error:
            return protocol.CompareUpdate(stale=False, rough=False, sentence=str(error), results=(), difference=None)
        results = tuple(self._column(name, shared, whole=whole) for name in self.columns)
        rough = not whole and any(result.rows for result in results)
        update = protocol.CompareUpdate(stale=False, rough=rough, sentence="", results=results)
        if whole and max(self.first.stars, self.second.stars) <= MAX_QUICK:
            return update  # the quick map had all stars
        return protocol.merged(update, self._map(whole=whole))

    def _map(self, *, whole: bool) -> protocol.CompareUpdate:
        try:
            return protocol.CompareUpdate(stale=False, difference=self.difference(whole=whole))
        except SelectionError as error:  # a link may name a column that this catalogue lacks
            return protocol.CompareUpdate(stale=False, difference=None, sentence=f"No difference map. {error}")

    def difference(self, *, whole: bool = True) -> protocol.DifferenceDrawing | None:
        """Map of the difference; None without a plane. A quick map has at most ``MAX_QUICK`` stars of each."""
        if len(self.state.plane) != 2:
            return None
        x, y = self.state.plane
        for name in (x, y):
            number_column(self.table, name)
        limit = None if whole else MAX_QUICK
        return difference_drawing(self.table, self.first, self.second, (x, y), self.ends, dark=self.dark, limit=limit)

    def _column(self, name: str, shared: Mask, *, whole: bool) -> protocol.ComparedColumn:
        check_stopped()
        try:
            compared = answer(self.table, name, self.first, self.second, shared, whole=whole)
        except SelectionError as error:
            title = self.table.column(name).axis_label if name in self.table.known else name
            return protocol.ComparedColumn(name, title, "", (), (str(error),), None)
        return protocol.ComparedColumn(
            name,
            compared.column.axis_label,
            headline(compared, self.first.title, self.second.title),
            tuple(protocol.StatisticRow(*row) for row in answer_rows(compared)),
            compared.sentences,
            self.distribution(name, whole=whole),
        )

    def distribution(self, name: str, *, whole: bool = True) -> protocol.DistributionDrawing:
        """Histograms of a column of both samples; quick ones from at most :data:`MAX_QUICK` stars of each."""
        samples, state, limit = (self.first, self.second), self.state, None if whole else MAX_QUICK
        return distribution_drawing(
            self.table, name, samples, state.bins, state.height, cumulative=state.cumulative, limit=limit
        )

    def answers(self) -> tuple[Answer, ...]:
        """Whole comparison of each column that has one, for an export.

        Raises
        ------
        SelectionError
            If no column can be compared.
        """
        shared, result, refusals = check_samples(self.first, self.second), [], []
        for name in self.columns:
            try:
                result.append(answer(self.table, name, self.first, self.second, shared))
            except SelectionError as error:
                refusals.append(str(error))
        if not result:
            raise SelectionError(" ".join(refusals))
        return tuple(result)
