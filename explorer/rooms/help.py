"""Help on gestures and shortcuts."""

from __future__ import annotations

from explorer import protocol
from explorer.charts.view_specs import SPECS
from explorer.rooms.channel import Channel
from explorer.rooms.guide import Guide
from explorer.rooms.shortcuts import PAGE_HELP, help_rows

GESTURES = (
    "Draw a box, a lasso or a polygon in any view: all views show the same stars. A histogram selects a range.",
    "Polygon: click its corners; a double-click or Enter ends it, Escape drops it.",
    "Regions stay outlined: drag an outline or its handles, or use Tab, arrows, Delete, and Enter for numbers.",
    "New, Add, Intersect, Subtract and Xor set what a gesture does. Shift adds, Ctrl intersects, both subtract.",
    "Click a star in a view or in the table: its spectrum appears, and a ring marks it everywhere.",
    "Refit: sliders change the model, the mask excludes pixels, ticked labels are fixed; Propose records it.",
    "Evidence explains the labels; Compare overlays up to four spectra.",
    "Below the views: statistics of the selection, comparison of two samples in any columns, fits, with their errors.",
    "A click with Shift, Ctrl or both selects the star instead, as a gesture does.",
    "Zoom with the wheel, over an axis for that axis alone; double-click to zoom back.",
    "Few stars on screen are drawn as points, and show their values under the mouse. So do a few selected ones.",
    "Key, beside the colours, has the whole legend, colour map, ends of the scale, size and opacity of the stars.",
    "Colours of named subsets show all visible ones, whatever is selected; the first one in the list is in front.",
    "Grey: all stars; coloured: the selection. The title of a view changes it; its menu has axes, overlays, pictures.",
    "The filter takes expressions such as teff < 3800 & abs(z_gal) > 5 & not LOW_SNR; Tab completes, also by meaning.",
    "Columns are known by name, axis label ([M/H], e, b) and synonym (feh, dist, ecc). Subsets: Sgr, or `Sgr by eye`.",
    "Numbers are in the unit of their column, or have one: rv > 100 km/s, cone(12h, 20, 5 arcmin), ra > 12:30:00.",
    "Conditions: && || xor not; x between 1 and 2; class in ('M4', 'M5'); class like 'M%'; quality & 8 == 0; isnan(x).",
    (
        "Of many stars: x > mean(x), median(x, selection), percentile(x, 99, teff < 3800); top(oddness, 20). They are "
        "computed once and recorded as numbers, so that a link selects the same stars."
    ),
    (
        "^ is a power between numbers (between conditions: exclusive or). log is log10; ln is the natural logarithm. "
        "sin, cos and tan take degrees, or what is plainly radians: sin(radians(b)), sin(b*pi/180). e is eccentricity."
    ),
    (
        "A computed column is a name and an expression of other columns. It serves as axis, colour, filter and table "
        "column, and is in links and exports with its definition."
    ),
    (
        'Exported tables contain their provenance. A plain CSV cannot contain it: "CSV with notes" has lines '
        "that begin with # (read it with comment='#'; TOPCAT takes ECSV, VOTable, FITS and the plain CSV)."
    ),
)

SHORTCUTS = help_rows(PAGE_HELP)


class Help:
    """Sends the help.

    Parameters
    ----------
    channel : Channel
        The way to the browser.
    guide : Guide
        The welcome, which help brings back.
    """

    def __init__(self, channel: Channel, guide: Guide) -> None:
        self.channel, self.guide = channel, guide
        channel.on(protocol.Help, lambda _: channel.send(help=self.content()))

    def content(self) -> protocol.HelpContent:
        """Gestures, views, shortcuts, and the welcome with the tour."""
        views = tuple(protocol.ViewHelp(spec.title, spec.about) for spec in SPECS)
        shortcuts = tuple(protocol.Shortcut(keys, meaning) for keys, meaning in SHORTCUTS)
        welcome = self.guide.welcome()
        return protocol.HelpContent(gestures=GESTURES, views=views, shortcuts=shortcuts, welcome=welcome)
