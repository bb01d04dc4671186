"""Help on gestures and shortcuts, and the first visit's tour."""

from __future__ import annotations

from explorer import protocol
from explorer.charts.view_specs import SPECS
from explorer.rooms.channel import Channel

GESTURES = (
    "Drag a box, a lasso or a polygon in any view: every view shows the same stars. A histogram selects a range.",
    "Polygon: click its corners; a double-click or Enter ends it, Escape drops it.",
    "New, Add, And, Minus and Xor say how a gesture meets the selection. Shift adds, Ctrl intersects, both subtract.",
    "Click a star in a view or in the table: its spectrum appears, and a ring marks it everywhere.",
    "Refit: sliders move the model, the mask tool leaves pixels out, a ticked label is held; Propose records it.",
    "Evidence says why the labels are what they are; Compare lays up to four spectra over this one.",
    "A click with Shift, Ctrl or both selects the star instead, as a gesture does.",
    "Zoom with the wheel, over an axis for that axis alone; double-click to zoom back.",
    "Few stars on screen are drawn one by one and tell their numbers under the mouse.",
    "Grey is every star, colour the selection. The name of a view swaps it; its menu has axes, overlays, pictures.",
    "The filter takes expressions such as teff < 3800 & abs(z_gal) > 5 & not LOW_SNR; Tab completes.",
    "Expressions may name subsets. Numbers are in the unit of their column, and units are not written.",
    (
        'Tables to take away say where they come from. A plain CSV has no place for that: "CSV with notes" has lines '
        "that begin with # (read it with comment='#'; TOPCAT takes ECSV, VOTable, FITS and the plain CSV)."
    ),
)

SHORTCUTS = (
    ("b", "drag a box"),
    ("o", "drag a lasso"),
    ("p", "drag the view itself"),
    ("u", "undo the last selection or subset"),
    ("Shift+U", "redo"),
    ("x", "reset every zoom"),
    ("j k ← →", "next and previous star"),
    ("J K", "next and previous star that you have not judged; Shift with the arrows too"),
    ("g", "go to an obsid"),
    ("s d", "smooth the spectrum more or less"),
    ("l m v a", "lines, model, residuals, not normalised"),
    ("z Shift+Z", "zoom to Ca II or TiO"),
    ("f", "fit the star again"),
    ("/", "filter by an expression"),
    ("?", "this help"),
)

TOUR = (
    (".stage .card", "Every view shows the same stars. Drag a box over some: all the others follow at once."),
    (".stage .card select.view", "Put another view here, or see it alone with the arrows on the right of its title."),
    (".toolbar .choices", "Choose what a drag does, and beside it how a new gesture meets the selection."),
    (".toolbar button", "Filter by expressions, give stars a name, upload a list, save what you see."),
    (".card.table", "The selected stars. Click one, here or in a view, to see its spectrum."),
    (".star", "Its spectrum. Below: card, live refit, evidence, and others beside it. The arrow gives it the page."),
    (".toolbar .light", "Green while the server answers. Beside it: help, and links, tables and figures to take away."),
)


class Help:
    """Answers the question mark.

    Parameters
    ----------
    channel : Channel
        The way to the browser.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        channel.on(protocol.Help, lambda _: channel.send(help=self.content()))

    def content(self) -> dict[str, object]:
        """Gestures, views, shortcuts and the steps of the tour."""
        views = [[spec.title, spec.about] for spec in SPECS]
        return {"gestures": GESTURES, "views": views, "shortcuts": SHORTCUTS, "tour": TOUR}

    def connect(self, *, seen: bool) -> None:
        """Show a first visitor around."""
        if not seen:
            self.channel.send(tour=list(TOUR))
