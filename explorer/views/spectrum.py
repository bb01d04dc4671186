"""The docked spectrum of the star under the lens."""

from __future__ import annotations

from html import escape

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable

from explorer.plots.spectrum import build_spectrum_plot, show
from explorer.state.workspace import Workspace
from explorer.views.base import View, card, html, together
from pipeline.products.spectra import SpectrumStore, StoredSpectrum


class SpectrumView(View):
    """Flux, noise, model and residuals of one star, with buttons to the next and the previous.

    Parameters
    ----------
    workspace : Workspace
        What the visitor looks at.
    spectra : SpectrumStore or None
        None for a catalogue from tables alone.
    """

    def __init__(self, workspace: Workspace, spectra: SpectrumStore | None) -> None:
        super().__init__(workspace=workspace)
        self.spectra = spectra
        self.plot = build_spectrum_plot()
        self.heading = html(sizing_mode="stretch_width", min_height=30, align="center")
        self.note = html(sizing_mode="stretch_width")
        self.previous = pmui.IconButton(icon="navigate_before", description="Previous selected star", size="small")
        self.next = pmui.IconButton(icon="navigate_next", description="Next selected star", size="small")
        self.previous.on_click(together(lambda: workspace.step(-1)))
        self.next.on_click(together(lambda: workspace.step(1)))
        self.search = pmui.TextInput(
            label="",
            placeholder="go to obsid",
            size="small",
            variant="standard",
            width=110,
            margin=(0, 6),
            align="center",
        )
        self.search.param.watch(together(self._search), "value")
        workspace.param.watch(lambda *_: self.refresh(), ["focus", "message"])
        workspace.param.watch(lambda event: self.plot.recolour(event.new), "dark")
        self.refresh()

    def _search(self) -> None:
        text = (self.search.value or "").strip()
        if not text:
            return
        if text.isdigit():
            self.workspace.look_at(int(text))
        else:
            self.workspace.message = f"{text!r} is not an obsid: type its digits only."

    def spectrum(self) -> StoredSpectrum | None:
        """The spectrum under the lens, None when there is none."""
        focus = self.workspace.focus
        return self.spectra.get(focus) if self.spectra is not None and focus in self.spectra else None

    def refresh(self) -> None:
        """Follow the focus."""
        spectrum = self.spectrum()
        row = self.workspace.focus_row
        rv = self.workspace.table.value("rv", row) if row is not None else float("nan")
        show(self.plot, spectrum, rv)
        focus = self.workspace.focus
        title = "Spectrum" if focus is None else f"obsid {focus}"
        self.heading.object = f'<div class="heading"><strong>{title}</strong></div>'
        self.note.object = f'<p class="note">{escape(self.sentence(spectrum))}</p>'
        self.note.visible = bool(self.sentence(spectrum))

    def sentence(self, spectrum: StoredSpectrum | None) -> str:
        """What to say when there is no spectrum or no model to show."""
        if self.workspace.message:
            return self.workspace.message
        if self.workspace.focus is None:
            return "Click a star in any diagram or in the table to see its spectrum."
        if self.spectra is None:
            return "This catalogue was made from tables alone: it has no spectra."
        if spectrum is None:
            return f"obsid {self.workspace.focus} has no spectrum in this release ({len(self.spectra):,} stars do)."
        return "" if spectrum.has_model else "The label fit left no model for this star."

    def body(self) -> Viewable:
        """Buttons above the two linked figures."""
        bar = pn.Row(self.heading, self.search, self.previous, self.next, sizing_mode="stretch_width", margin=0)
        flux = pn.pane.Bokeh(self.plot.flux, sizing_mode="stretch_both", margin=0, styles={"flex": "2.4 1 0"})
        pull = pn.pane.Bokeh(self.plot.pull, sizing_mode="stretch_both", margin=0, styles={"flex": "1.2 1 0"})
        return card(bar, self.note, flux, pull)
