"""Links, exports of the selection, pictures of views, figures of the paper, and SAMP."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from explorer import protocol
from explorer.audit import audit
from explorer.charts.chart import Shot
from explorer.charts.journal import FORMATS, file_name, picture_bytes
from explorer.charts.paper import figure_lack, figure_title, groups_of, paper_bytes
from explorer.model.export import FORMS, Exported, export
from explorer.model.library import Library
from explorer.model.links import LinkStore
from explorer.model.samp import send_table
from explorer.model.selection import SelectionError
from explorer.model.subsets import describe
from explorer.model.work import EXPORTS, LINKS
from explorer.rooms.channel import Channel
from explorer.rooms.owner import Owner
from explorer.rooms.stage import Stage
from explorer.state.workspace import Workspace
from explorer.vetting.reader import NoRecord
from pipeline.figures.star_figures import STAR_FIGURES

_WORDS = 2000
"""Maximum length of the selection text under a picture."""


class Sharing:
    """Handles links and exports.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    library : Library
        Shared products.
    links : LinkStore
        Where links are kept.
    stage : Stage
        The grid whose views are pictured.
    channel : Channel
        The way to the browser.
    samp : Path or None
        Where tables for programs on this machine are kept; None where visitors are on machines of their own.
    owner : Owner, optional
        Who makes links.
    """

    def __init__(
        self,
        workspace: Workspace,
        library: Library,
        links: LinkStore,
        stage: Stage,
        channel: Channel,
        samp: Path | None = None,
        owner: Owner | None = None,
    ) -> None:
        self.owner = owner or Owner(NoRecord())
        self.workspace, self.library, self.links = workspace, library, links
        self.stage, self.channel, self.samp = stage, channel, samp
        channel.on(protocol.ListExports, lambda _: channel.send(exports=self.exports()))
        channel.on(protocol.Share, self._share)
        channel.on(protocol.Export, self._export)
        channel.on(protocol.Samp, self._send)
        channel.on(protocol.Picture, self._picture)
        channel.on(protocol.Paper, self._paper)

    async def _share(self, _: protocol.Share) -> None:
        state = self.workspace.to_dict()
        token = await self.channel.in_background(lambda: self.links.share(state, self.owner.name), LINKS)
        self.channel.send(link=protocol.Link(token))

    def exports(self) -> protocol.Exports:
        """Available exports."""
        return protocol.Exports(
            forms=tuple(protocol.ExportForm(key, form.label) for key, form in FORMS.items()),
            figures=tuple(
                protocol.PaperFigure(key, figure_title(key), figure_lack(self.library, key)) for key in STAR_FIGURES
            ),
            summary=f"{self.workspace.summary()} selected",
            samp=self.samp is not None,
        )

    @property
    def note(self) -> str:
        """Caption of a picture."""
        manifest = self.library.products.manifest
        words = describe(self.workspace.selection, self.workspace.table.known)
        words = words if len(words) <= _WORDS else f"{words[:_WORDS]}…"
        simulated = "SIMULATED DATA. " if manifest.simulated else ""
        return f"{simulated}{manifest.name}, {manifest.created[:10]}: {self.workspace.summary()} ({words})"

    async def _export(self, request: protocol.Export) -> None:
        if request.value not in FORMS:
            raise ValueError(f"There is no table of kind {request.value!r}.")
        made = await self.channel.in_background(self._table(request.value), EXPORTS)
        audit("export", file=made.name, selection=self.workspace.summary(), bytes=len(made.data))
        self._hand_over(made.name, made.mime, made.data)

    async def _send(self, _: protocol.Samp) -> None:
        folder, table = self.samp, self._table("votable")
        if folder is None:
            raise SelectionError("SAMP needs the explorer on your own machine. Download the VOTable and open it there.")
        self.channel.send(message=await self.channel.in_background(lambda: send_table(table(), folder), EXPORTS))

    def _table(self, form: str) -> partial[Exported]:
        return partial(export, self.library, self.workspace.selection, self.workspace.rows, form)

    async def _paper(self, request: protocol.Paper) -> None:
        key, form = request.key, _form(request.form)
        missing = figure_lack(self.library, key)
        if missing:
            raise SelectionError(missing)
        groups = groups_of(self.stage.colours.on(dark=False))
        draw = partial(paper_bytes, self.library, self.workspace.rows, key, self.note, form, groups)
        data = await self.channel.in_background(draw, EXPORTS)
        self._hand_over(f"figure_{key}.{form}", FORMATS[form], data)

    async def _picture(self, request: protocol.Picture) -> None:
        slot, form = request.slot, _form(request.form)
        draw = self.drawing(slot)
        name = file_name(self.stage.charts[slot].title)
        data = await self.channel.in_background(lambda: picture_bytes(draw(), form), EXPORTS)
        self._hand_over(f"{name}.{form}", FORMATS[form], data)

    def drawing(self, slot: int) -> partial[Figure]:
        """Function that draws the picture of a view in its current state."""
        chart = self.stage.chart(slot)
        aspect = chart.viewport.height / chart.viewport.width if chart.viewport is not None else 0.75
        colouring = self.stage.colours.on(dark=False)
        look, curves = self.workspace.appearance, self.stage.curves_of(slot)
        shot = Shot(self.workspace.rows, colouring, chart.state, aspect, self.note, curves, look)
        return partial(chart.draw, shot)

    def _hand_over(self, name: str, mime: str, data: bytes) -> None:
        self.channel.send(download=protocol.Download(name, mime, data))


def _form(form: str) -> str:
    if form not in FORMATS:
        raise ValueError(f"There is no picture of kind {form!r}.")
    return form
