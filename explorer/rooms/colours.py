"""Colours of the stars in all views: scale, palettes, legend, and the look that the visitor chooses."""

from __future__ import annotations

from explorer import protocol
from explorer.charts.categories import coloured_by, colouring_of_subsets
from explorer.charts.colouring import Colouring, Density, usual_map
from explorer.charts.palettes import MEMBER_OPACITY, count_ramp, grey_ramp, image_opacity, lookup
from explorer.model.appearance import USUAL_OPACITY, Appearance, check_appearance
from explorer.model.selection import SelectionError
from explorer.rooms.channel import Channel
from explorer.state.stored import COLOUR_BY_SUBSETS
from explorer.state.workspace import Workspace

_MEANING: dict[protocol.ScaleKind, str] = {"density": "numbers of stars", "category": "categories", "value": "values"}
_UNUSED: dict[protocol.ScaleKind, tuple[str, ...]] = {
    "value": (),
    "density": ("logarithmic", "low", "high", "tail"),
    "category": ("colour_map", "reversed", "logarithmic", "low", "high", "tail"),
}
"""Settings of a look that do not apply, by what the colours mean."""


class Colours:
    """Connects the colours to a Workspace.

    Parameters
    ----------
    workspace : Workspace
        State of the visit.
    channel : Channel
        The way to the browser.
    """

    def __init__(self, workspace: Workspace, channel: Channel) -> None:
        self.workspace = workspace
        self.present = self.on(dark=workspace.dark)
        channel.on(protocol.Restyle, self._restyle)

    def refresh(self) -> None:
        """Make the colours of the present state."""
        self.present = self.on(dark=self.workspace.dark)

    def on(self, *, dark: bool) -> Colouring:
        """Colours of the selected stars on a light or a dark page."""
        workspace = self.workspace
        table, look = workspace.table, workspace.appearance
        if workspace.colour_by == COLOUR_BY_SUBSETS:
            subsets, mask_of = workspace.subsets, workspace.mask_of
            return colouring_of_subsets(table, subsets, dark=dark, mask_of=mask_of, appearance=look)
        try:
            return coloured_by(table, workspace.colour_by, look)
        except SelectionError as error:  # of a link for another catalogue
            return Density(str(error))

    @property
    def have_members(self) -> bool:
        """Whether stars keep their colour when they are not selected."""
        return self.present.member_codes() is not None

    def palettes(self) -> protocol.Palettes:
        """Palettes of the views, and the look of single stars."""
        dark, look = self.workspace.dark, self.workspace.appearance
        ramp = self.present.ramp(dark=dark)
        return protocol.Palettes(
            everything=lookup(grey_ramp(dark)),
            members=lookup(ramp, MEMBER_OPACITY),
            selected=lookup(ramp, image_opacity(look)),
            histogram=lookup(count_ramp(dark)),  # categories and diverging scales have no colour for all stars
            dots=protocol.DotStyle(look.size, max(look.opacity, USUAL_OPACITY), self.present.layered),
        )

    def legend(self, *, single: bool) -> protocol.Legend:
        """Legend; ``single`` states that stars are drawn one by one."""
        return self.present.legend(self.workspace.table, dark=self.workspace.dark, single=single)

    def look(self) -> protocol.LookState:
        """The chosen look, and what it means for the present colours."""
        colouring, workspace = self.present, self.workspace
        usual = usual_map(workspace.colour_by if colouring.scale == "value" else "").key
        return protocol.LookState(workspace.appearance, colouring.scale, usual, colouring.ends)

    def _restyle(self, request: protocol.Restyle) -> None:
        """Change the look; SelectionError if the present column cannot have it."""
        look = check_appearance(request.look)
        usual = Appearance()
        unused = [name for name in _UNUSED[self.present.scale] if getattr(look, name) != getattr(usual, name)]
        if unused:
            raise SelectionError(f"Colours of {_MEANING[self.present.scale]} have no setting {', '.join(unused)}.")
        if self.workspace.colour_by != COLOUR_BY_SUBSETS:
            coloured_by(self.workspace.table, self.workspace.colour_by, look)
        self.workspace.appearance = look
