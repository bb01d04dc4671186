"""Exports of the dock: the numbers of a comparison or a fit as a table, and its figure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from matplotlib.figure import Figure

from explorer import protocol
from explorer.audit import audit
from explorer.charts.answer_figures import compare_figure, fit_figure
from explorer.charts.journal import FORMATS, file_name, picture_bytes
from explorer.model.answer_table import comparison_table, fit_table
from explorer.model.answer_texts import fit_rows, headline
from explorer.model.export import Exported
from explorer.model.library import Library
from explorer.model.samples import Sample
from explorer.model.screen import DockTab
from explorer.model.selection import SelectionError
from explorer.model.work import EXPORTS
from explorer.rooms.answers import Answers
from explorer.rooms.channel import Channel
from explorer.rooms.comparing import CompareTask
from explorer.rooms.fitting import FitTask

_WORDS = 600
"""Maximum length of the definition of a sample under a figure."""


class AnswerExports:
    """Handles the export buttons of the dock.

    Parameters
    ----------
    answers : Answers
        The questions that are asked.
    library : Library
        Shared products.
    channel : Channel
        The way to the browser.
    """

    def __init__(self, answers: Answers, library: Library, channel: Channel) -> None:
        self.answers, self.library, self.channel = answers, library, channel
        channel.on(protocol.AnswerTable, self._table)
        channel.on(protocol.AnswerPicture, self._picture)

    async def _table(self, request: protocol.AnswerTable) -> None:
        made = await self.channel.in_background(partial(self._exported, self._task(), request.form), EXPORTS)
        audit("export", file=made.name, bytes=len(made.data))
        self.channel.send(download=protocol.Download(made.name, made.mime, made.data))

    async def _picture(self, request: protocol.AnswerPicture) -> None:
        form, task = request.form, self._task()
        if form not in FORMATS:
            raise ValueError(f"There is no picture of kind {form!r:.20}.")
        data = await self.channel.in_background(lambda: picture_bytes(self.figure(task), form), EXPORTS)
        if isinstance(task, CompareTask):
            title = f"{task.first.title} against {task.second.title} in {' '.join(task.columns)}"
        else:
            title = f"fit of {task.y} for {task.sample.title}"
        self.channel.send(download=protocol.Download(f"{file_name(title)[:80]}.{form}", FORMATS[form], data))

    def _task(self) -> CompareTask | FitTask:
        tab = self.answers.state.tab
        if tab is DockTab.TABLE:
            raise SelectionError("Open a comparison or a fit first; the table is exported at “Share and export”.")
        return self.answers.compare_task() if tab is DockTab.COMPARE else self.answers.fit_task()

    def _exported(self, task: CompareTask | FitTask, form: str) -> Exported:
        if isinstance(task, CompareTask):
            return comparison_table(self.library, task.answers(), task.first, task.second, form)
        return fit_table(self.library, task.fit(), task.sample, form)

    def figure(self, task: CompareTask | FitTask) -> Figure:
        """Figure of a comparison or a fit; SelectionError where there is nothing to draw."""
        table = self.library.table
        if isinstance(task, CompareTask):
            answers = task.answers()
            columns = [item.column for item in answers]
            drawings = [task.distribution(column.name) for column in columns]
            plane = (table.column(task.state.plane[0]), table.column(task.state.plane[1])) if task.state.plane else None
            samples = (task.first, task.second)
            titles = (task.first.title, task.second.title)
            sentences = [text for item in answers if (text := headline(item, *titles))]
            note = self._note(samples, sentences)
            return compare_figure(columns, drawings, task.difference(), plane, titles, note)
        fit = task.fit()
        numbers = [", ".join(f"{name}: {value}" for name, value in fit_rows(fit)) + "."]
        note = self._note((task.sample,), numbers)
        return fit_figure(fit, task.relation(fit), task.distribution(fit), note)

    def _note(self, samples: Sequence[Sample], sentences: Sequence[str]) -> str:
        """Caption: the catalogue, the result, and the definition of each sample."""
        manifest = self.library.products.manifest
        defined = [
            f"{sample.title}: {sample.stars:,} stars"
            + ("" if sample.definition == sample.title else f" ({_cut(sample.definition)})")
            for sample in samples
        ]
        simulated = "SIMULATED DATA. " if manifest.simulated else ""
        return f"{simulated}{manifest.name}, {manifest.created[:10]}. {' '.join(sentences)} {'; '.join(defined)}."


def _cut(words: str) -> str:
    return words if len(words) <= _WORDS else f"{words[:_WORDS]}…"
