"""Needs of stories: what a catalogue or a visitor must have, and the sentence where it is lacking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from explorer.charts.view_specs import lack_in
from explorer.model.library import Library
from explorer.state.panels import PanelState
from explorer.vetting.people import Role
from explorer.vetting.reader import RecordReader


class Here(NamedTuple):
    """The catalogue, the visitor, and whether the catalogue was made of files that were opened."""

    library: Library
    record: RecordReader
    opened: bool = False


class Need(Protocol):
    """A condition of a story, or of one of its steps."""

    def lack(self, here: Here) -> str:
        """Why the condition is not met, as a sentence; "" where it is."""
        ...


@dataclass(frozen=True)
class NeedsView:
    """A view of the table of views that the catalogue has values for."""

    key: str

    def lack(self, here: Here) -> str:
        """The sentence that the view shows in the grid."""
        return lack_in(here.library, PanelState(self.key))


@dataclass(frozen=True)
class NeedsColumns:
    """Columns with values, and what they are called together: "quality of fits"."""

    names: tuple[str, ...]
    title: str

    def lack(self, here: Here) -> str:
        """The columns without values."""
        missing = here.library.table.missing(*self.names)
        return f"This catalogue has no {self.title}: it has no values of {', '.join(missing)}." if missing else ""


@dataclass(frozen=True)
class NeedsAnyColumn:
    """A column with values, any of several, and what they are called together: "metallicities"."""

    names: tuple[str, ...]
    title: str

    def lack(self, here: Here) -> str:
        """That none has values."""
        if any(here.library.table.usable(name) for name in self.names):
            return ""
        return f"This catalogue has no {self.title}: it has no values of {' or '.join(self.names)}."


@dataclass(frozen=True)
class NeedsSpectra:
    """Spectra in the product."""

    def lack(self, here: Here) -> str:
        """That there are none."""
        return "" if here.library.products.spectra is not None else "This catalogue has no spectra."


@dataclass(frozen=True)
class NeedsRole:
    """A role in the vetting rooms, for an activity: "judging fits"."""

    role: Role
    activity: str

    def lack(self, here: Here) -> str:
        """The sentence that refuses the visitor."""
        refusal = here.record.refusal(self.role, f"{self.activity} is")
        if refusal.startswith(self.activity):  # and not with a user's name, which stays as it is
            return f"{refusal[0].upper()}{refusal[1:]}"
        return refusal


@dataclass(frozen=True)
class NeedsOpened:
    """A catalogue that was made of files that were opened."""

    def lack(self, here: Here) -> str:
        """That it is a product directory."""
        return "" if here.opened else "This catalogue was built before, and not opened from files."
