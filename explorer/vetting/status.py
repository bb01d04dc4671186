"""State of a campaign derived from its events: valid verdicts by star and user."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from explorer.vetting.events import EventKind, VettingEvent

_NO_VERDICTS: Mapping[str, VettingEvent] = MappingProxyType({})


@dataclass(frozen=True)
class StarState:
    """Derived state of one star.

    Parameters
    ----------
    verdicts : mapping of int to mapping of str to VettingEvent
        Valid verdicts by occasion and user.
    adjudication : VettingEvent or None
        The valid adjudication.
    withdrawn : frozenset of str
        Ids of events that were undone.
    """

    verdicts: Mapping[int, Mapping[str, VettingEvent]] = field(default_factory=dict)
    adjudication: VettingEvent | None = None
    withdrawn: frozenset[str] = frozenset()


_NO_EVENTS = StarState()


def by_time(event: VettingEvent) -> tuple[str, str]:
    """Sort key: UTC, then id, so that all merges of files give one order."""
    return (event.utc, event.id)


def state_of(events: Iterable[VettingEvent]) -> StarState:
    """Derive the state of a star from its events, newest first.

    An undo that was itself undone has no effect: an undo of an undo is a redo. Of several verdicts of one inspector
    the newest counts; when it is undone the one before it counts again.
    """
    withdrawn: set[str] = set()
    verdicts: dict[int, dict[str, VettingEvent]] = defaultdict(dict)
    adjudication: VettingEvent | None = None
    for event in sorted(events, key=by_time, reverse=True):
        if event.id in withdrawn:
            continue
        if event.kind is EventKind.UNDO:
            withdrawn.add(str(event.supersedes))
        elif event.kind is EventKind.VERDICT:
            verdicts[event.occasion].setdefault(event.user, event)
        else:
            adjudication = adjudication or event
    return StarState(dict(verdicts), adjudication, frozenset(withdrawn))


class CampaignStatus:
    """Derived state of one campaign; new events update only the state of their stars."""

    def __init__(self) -> None:
        self._events: dict[int, list[VettingEvent]] = defaultdict(list)
        self._by_user: dict[str, list[VettingEvent]] = defaultdict(list)
        self._by_id: dict[str, VettingEvent] = {}
        self._stars: dict[int, StarState] = {}
        self.latest: VettingEvent | None = None
        """The last event of the campaign."""

    def add(self, events: Iterable[VettingEvent]) -> set[int]:
        """Add events, in any order, each once; return their stars."""
        changed = set()
        for event in events:
            self._events[event.star].append(event)
            insort(self._by_user[event.user], event, key=by_time)
            self._by_id[event.id] = event
            changed.add(event.star)
            self.latest = max(self.latest or event, event, key=by_time)
        for star in changed:
            self._stars[star] = state_of(self._events[star])
        return changed

    def star(self, star: int) -> StarState:
        """State of one star."""
        return self._stars.get(star, _NO_EVENTS)

    def stars(self) -> tuple[int, ...]:
        """Stars with any event."""
        return tuple(self._stars)

    def events(self, star: int) -> tuple[VettingEvent, ...]:
        """All events of a star, in the order of their arrival."""
        return tuple(self._events.get(star, ()))

    def event(self, event_id: str) -> VettingEvent | None:
        """An event of this campaign by its id."""
        return self._by_id.get(event_id)

    def verdicts(self, star: int, occasion: int = 1) -> Mapping[str, VettingEvent]:
        """Valid verdicts on a star, by user."""
        state = self._stars.get(star)
        return _NO_VERDICTS if state is None else state.verdicts.get(occasion, _NO_VERDICTS)

    def reviews(self, star: int, occasion: int = 1) -> tuple[VettingEvent, ...]:
        """Valid verdicts on a star, by time."""
        return tuple(sorted(self.verdicts(star, occasion).values(), key=by_time))

    def users(self) -> tuple[str, ...]:
        """Users with any event, by name."""
        return tuple(sorted(self._by_user))

    def events_of(self, user: str) -> tuple[VettingEvent, ...]:
        """Events of a user that were not undone, including undos, by time."""
        return tuple(event for event in tuple(self._by_user.get(user, ())) if not self._withdrawn(event))

    def undoable(self, user: str, kind: EventKind) -> VettingEvent | None:
        """The user's last valid verdict or adjudication."""
        for event in reversed(tuple(self._by_user.get(user, ()))):
            if event.kind is kind and not self._withdrawn(event):
                return event
        return None

    def redoable(self, user: str, kind: EventKind) -> VettingEvent | None:
        """The user's last undo of a verdict or adjudication that was not redone and that no later one follows."""
        for event in reversed(tuple(self._by_user.get(user, ()))):
            if self._withdrawn(event):
                continue
            if event.kind is kind:
                return None
            target = self._by_id.get(str(event.supersedes)) if event.kind is EventKind.UNDO else None
            if target is not None and target.kind is kind and target.user == user:
                return event
        return None

    def _withdrawn(self, event: VettingEvent) -> bool:
        return event.id in self.star(event.star).withdrawn
