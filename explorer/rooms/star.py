"""The focused star: spectrum and card, with the neighbours sent in advance and pinned spectra."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import panel as pn
from msgspec.structs import replace
from numpy.typing import NDArray

from explorer import protocol
from explorer.charts.journal import FORMATS, picture_bytes
from explorer.charts.photometry import photometry_of
from explorer.charts.spectrum import LINE_ZOOM, ZOOMS
from explorer.charts.spectrum_picture import draw_spectrum
from explorer.model.library import Library
from explorer.model.photometry import energy_distribution
from explorer.model.sky import Sky
from explorer.model.star import StarFacts, facts_of
from explorer.model.star_files import spectrum_fits
from explorer.model.star_search import find_star
from explorer.model.work import EXPORTS
from explorer.rooms.channel import Channel
from explorer.rooms.live_refit import LiveRefit
from explorer.rooms.star_context import StarContext
from explorer.rooms.star_evidence import StarEvidence
from explorer.rooms.star_lines import StarLines
from explorer.rooms.star_sky import StarSky
from explorer.rooms.star_spectrum import StarSpectrum
from explorer.state.workspace import Workspace
from explorer.vetting.reader import NoRecord, RecordReader
from pipeline.domain.wavelength import vacuum_to_air
from pipeline.science.star.refit import RefitError

AHEAD_AFTER_MS = 40
"""Delay after which the neighbours are sent."""


class Neighbours(NamedTuple):
    """The next and the previous star in the table's order, by obsid; "" without one."""

    next: str
    previous: str


class StarDock:
    """Connects the star panel to a Workspace.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    library : Library
        Shared products.
    order : callable
        Rows of the catalogue in the order of "next" and "previous".
    channel : Channel
        The way to the browser.
    record : RecordReader, optional
        Vetting record, as the visitor may see it; None where reviews are blind.
    nothing : str
        Sentence without a focused star.
    sky : Sky, optional
        Images of the sky and names; None where they are off.
    """

    def __init__(
        self,
        workspace: Workspace,
        library: Library,
        order: Callable[[], NDArray[np.int64]],
        channel: Channel,
        record: RecordReader | None = None,
        nothing: str = "Click a star in a view or in the table to see its spectrum.",
        sky: Sky | None = None,
    ) -> None:
        self.workspace, self.library, self.order, self.channel = workspace, library, order, channel
        self.record: RecordReader = record or NoRecord()
        self.nothing = nothing
        self.context = StarContext(workspace, library)
        self._ready = False
        self.spectrum = StarSpectrum(self.context)
        self.refit = LiveRefit(self.context, self.spectrum, channel)
        self.evidence = StarEvidence(self.context, channel)
        self.lines = StarLines(workspace, channel, self._redraw)
        self.sky = StarSky(self.context, channel, sky)
        channel.on(protocol.StarStep, lambda request: self.step(request.by, unvetted=request.unvetted))
        channel.on(protocol.StarFind, lambda request: self._find(request.text))
        channel.on(protocol.StarPin, lambda request: channel.send(pinned=self.packet(self._row(request.obsid))))
        channel.on(protocol.Draw, self._draw)
        channel.on(protocol.SpectrumZoom, self._zoom)
        channel.on(protocol.StarPage, lambda request: workspace.param.update(star_alone=request.on))
        channel.on(protocol.StarFile, self._file)
        workspace.param.watch(lambda _: self.show(), "focus")
        workspace.param.watch(lambda event: channel.send(star_page=event.new), "star_alone")

    def connect(self) -> None:
        """Send the constants and the star to a new page."""
        self._ready = self.lines.connected = True
        self.spectrum.reset()
        self.channel.send(
            star_setup=self.setup(),
            star_page=self.workspace.star_alone,
            lines=self.lines.state(),
            sky_setup=self.sky.setup(),
        )
        self.show()

    def setup(self) -> protocol.StarSetup:
        """Wavelengths, zooms, and ranges of the sliders."""
        simulated, spectra = self.library.products.manifest.simulated, self.context.spectra
        setup = protocol.StarSetup(ZOOMS, self.refit.setup(), simulated=simulated, line_zoom=LINE_ZOOM)
        if spectra is None:
            return setup
        wavelength = spectra.wavelength
        in_air = vacuum_to_air(wavelength)
        return replace(setup, wavelength=wavelength, wavelength_air=in_air, raw=self.context.has_continuum)

    def show(self) -> None:
        """Send the focused star; its neighbours follow."""
        if not self._ready:
            return
        row = self.workspace.focus_row
        if row is None:
            self.channel.send(star=protocol.Sentence(self.workspace.message or self.nothing))
            return
        beside = self.neighbours(row)
        self.spectrum.follow(str(self.workspace.focus))
        self.channel.send(star=replace(self.packet(row), next=beside.next, previous=beside.previous))
        self._send_ahead_later()

    def _draw(self, request: protocol.Draw) -> None:
        """Draw the focused star with new settings; its neighbours follow."""
        self.spectrum.control(request)
        self._redraw()

    def _redraw(self) -> None:
        """Send the drawing of the focused star; its neighbours follow."""
        row = self.workspace.focus_row
        if row is None:
            return
        spectrum = self.context.spectrum(int(self.workspace.table["obsid"][row]))
        if spectrum is not None:
            self.channel.send(drawn=self.spectrum.drawing(row, spectrum))
        self._send_ahead_later()

    def _zoom(self, request: protocol.SpectrumZoom) -> None:
        self.spectrum.zoom(request)
        row = self.workspace.focus_row
        spectrum = None if row is None else self.context.spectrum(int(self.workspace.table["obsid"][row]))
        if row is not None and spectrum is not None:
            self.channel.send(frame=self.spectrum.frame(row, spectrum))
        self._send_ahead_later()

    def _send_ahead_later(self) -> None:
        document = pn.state.curdoc
        if document is not None and document.session_context is not None:
            document.add_timeout_callback(self.send_ahead, AHEAD_AFTER_MS)

    def send_ahead(self) -> None:
        """Send the neighbours in advance."""
        row = self.workspace.focus_row
        if row is not None:
            beside = [self.workspace.table.row_of(int(obsid)) for obsid in self.neighbours(row) if obsid]
            self.channel.send(
                ahead=tuple(self.packet(neighbour) for neighbour in dict.fromkeys(beside) if neighbour is not None)
            )

    def neighbours(self, row: int) -> Neighbours:
        """Next and previous star in the order of the table, by obsid; "" without one."""
        order = self.order()
        if not order.size:
            return Neighbours("", "")
        indices = np.flatnonzero(order == row)
        at = int(indices[0]) if indices.size else -1
        before = order[at - 1] if indices.size else order[-1]
        obsid = self.workspace.table["obsid"]
        return Neighbours(str(obsid[order[(at + 1) % order.size]]), str(obsid[before]))

    def step(self, by: int, *, unvetted: bool = False) -> None:
        """Focus the next or previous star, or the next one that the visitor has not judged."""
        row = self.workspace.focus_row
        order = self.order()
        if not order.size:
            self.workspace.message = "No star is selected, so there is no next one."
        elif unvetted:
            self._step_to_unvetted(order[:: 1 if by > 0 else -1], row)
        elif row is None:
            self.workspace.look_at(int(self.workspace.table["obsid"][order[0 if by > 0 else -1]]))
        else:
            beside = self.neighbours(row)
            self.workspace.look_at(int(beside.next if by > 0 else beside.previous))

    def _step_to_unvetted(self, order: NDArray[np.int64], row: int | None) -> None:
        obsid, judged = self.workspace.table["obsid"], self.record.judged()
        indices = np.flatnonzero(order == row)
        after = np.roll(order, -int(indices[0]) - 1)[:-1] if indices.size else order
        left = after[~np.isin(obsid[after], np.fromiter(judged, np.int64, len(judged)))]
        if left.size:
            self.workspace.look_at(int(obsid[left[0]]))
        else:
            self.workspace.message = "You have judged every other star of the selection."

    def packet(self, row: int) -> protocol.StarData:
        """All data of one star for the browser."""
        table = self.workspace.table
        obsid = int(table["obsid"][row])
        spectrum = self.context.spectrum(obsid)
        rv = table.value("rv", row)
        simulated, on_screen = self.library.products.manifest.simulated, self.workspace.columns_on_screen
        facts = facts_of(table, row, simulated=simulated, on_screen=on_screen)
        star = protocol.StarData(
            obsid=str(obsid),
            sentence=self.context.sentence(obsid, spectrum),
            note=self.context.note(spectrum),
            rv=rv if np.isfinite(rv) else None,
            facts=card_of(facts),
            remarks=tuple(protocol.CardRemark(*remark) for remark in self.record.remarks(obsid)),
            published=self.context.published_of(row),
        )
        if spectrum is not None:
            return replace(star, spectrum=self.spectrum.drawing(row, spectrum))
        fluxes = energy_distribution(table, row)
        return replace(star, photometry=photometry_of(fluxes)) if fluxes else star

    def _row(self, obsid: str) -> int:
        row = self.workspace.table.row_of(int(obsid))
        if row is None:
            raise ValueError(f"There is no star {obsid!r}.")
        return row

    def _find(self, text: str) -> None:
        if not text.strip():
            return
        result = find_star(text, self.workspace.table)
        if result.obsid is not None:
            self.workspace.look_at(result.obsid)
        if result.sentence:
            self.channel.send(message=result.sentence)

    async def _file(self, request: protocol.StarFile) -> None:
        """The spectrum with model and mask as FITS, or its picture."""
        form, manifest = request.form, self.library.products.manifest
        try:
            row, obsid, spectrum = self.context.focused()
        except RefitError as error:
            self.channel.send(message=str(error))
            return
        self.spectrum.follow(str(obsid))
        if form == "fits":
            masked, trial = self.spectrum.masked, self.spectrum.trial(row)
            work: Callable[[], bytes] = partial(
                spectrum_fits, spectrum, self.workspace.table, row, manifest, self.context.model, masked, trial
            )
            mime = "application/fits"
        else:
            drawing = self.spectrum.drawing(row, spectrum)
            note = f"{'SIMULATED DATA. ' if manifest.simulated else ''}{manifest.name}, {manifest.created[:10]}"
            figure = partial(draw_spectrum, spectrum.wavelength, drawing, f"obsid {obsid}", note)
            work, mime = (lambda: picture_bytes(figure(), form)), FORMATS[form]
        data = await self.channel.in_background(work, EXPORTS)
        self.channel.send(download=protocol.Download(f"star_{obsid}.{form}", mime, data))


def card_of(facts: StarFacts) -> protocol.StarCard:
    """A star's card for the page."""
    return protocol.StarCard(
        labels=tuple(protocol.CardLabel(*row) for row in facts.labels),
        groups=tuple(
            protocol.CardGroup(title, tuple(protocol.CardEntry(*entry) for entry in entries))
            for title, entries in facts.groups
        ),
        bits=facts.bits,
        in_training=facts.in_training,
        repeats=tuple(str(obsid) for obsid in facts.repeats),
        copies=tuple(protocol.CardCopy(*item) for item in facts.copies),
        links=tuple(protocol.CardLink(*link) for link in facts.links),
    )
