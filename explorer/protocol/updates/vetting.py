"""Parts of a message for the rooms Vet, Adjudicate and Campaigns."""

from __future__ import annotations

from typing import TypedDict

from msgspec import UNSET, UnsetType

from explorer.protocol.updates.base import MessagePart, Row


class CampaignChoice(Row, frozen=True):
    """A campaign to choose."""

    id: str
    name: str


class VerdictChoice(Row, frozen=True):
    """A verdict and its meaning."""

    digit: int
    text: str


class FlagChoice(Row, frozen=True):
    """A flag and its key, "" without one."""

    flag: str
    key: str


class Quantity(Row, frozen=True):
    """A quantity that can be proposed for a star; ``published`` is None without a value."""

    name: str
    label: str
    unit: str
    published: float | None


class Counts(MessagePart, frozen=True):
    """Stars that an inspector has judged, and that are left."""

    done: int
    left: int


class Review(MessagePart, frozen=True):
    """A review; ``imported`` names who imported it and when, "" for one of this record."""

    id: str
    user: str
    utc: str
    occasion: int
    verdict: int | None
    flags: tuple[str, ...]
    note: str
    proposal: dict[str, float | str]
    refit: bool
    imported: str | UnsetType = UNSET


class CampaignState(MessagePart, frozen=True):
    """Campaigns, the chosen one and its rules; the user; ``signed`` if the user can sign out.

    ``judged`` states what verdicts are about where the catalogue has no spectra, and is "" elsewhere.
    """

    campaigns: tuple[CampaignChoice, ...]
    campaign: str
    person: str
    signed: bool
    judged: str
    verdicts: tuple[VerdictChoice, ...] | UnsetType = UNSET
    flags: tuple[FlagChoice, ...] | UnsetType = UNSET


class VetState(CampaignState, frozen=True, kw_only=True):
    """The star to judge, "" where a sentence says why there is none; the user's earlier review of it."""

    star: str
    sentence: str
    counts: Counts | UnsetType = UNSET
    quantities: tuple[Quantity, ...] | UnsetType = UNSET
    before: Review | UnsetType | None = UNSET
    undone: Review | UnsetType | None = UNSET


class ConflictState(Row, frozen=True):
    """A star on which reviews conflict."""

    star: str
    settled: bool


class AdjudicateState(CampaignState, frozen=True, kw_only=True):
    """Conflicts of a campaign, and the star that is open with its reviews."""

    conflicts: tuple[ConflictState, ...]
    star: str
    sentence: str
    reasons: tuple[str, ...] | UnsetType = UNSET
    reviews: tuple[Review, ...] | UnsetType = UNSET
    quantities: tuple[Quantity, ...] | UnsetType = UNSET
    before: Review | UnsetType | None = UNSET


class ReviewCount(Row, frozen=True):
    """Reviews that were given, and that are needed."""

    done: int
    needed: int


class StatusCount(Row, frozen=True):
    """Stars of one status."""

    status: str
    count: int


class FleissKappa(Row, frozen=True):
    """Fleiss' kappa as a text, and the number of stars."""

    kappa: str
    stars: int


class PairAgreement(Row, frozen=True):
    """How two inspectors agree: Cohen's kappa, plain and weighted, as texts."""

    names: str
    stars: str
    kappa: str
    weighted: str


class OverviewNumbers(MessagePart, frozen=True):
    """Numbers of a campaign; how reviews agree is left out for those who could be swayed.

    Each inspector is a row of texts: name, reviews and pace, and for those who may see how reviews agree adjudications,
    repeats, share of equal repeats, and mean difference of repeats.
    """

    stars: int
    controls: int
    reviews: ReviewCount
    left: str
    inspectors: tuple[tuple[str, ...], ...]
    done: tuple[StatusCount, ...] | UnsetType = UNSET
    fleiss: FleissKappa | UnsetType = UNSET
    pairs: tuple[PairAgreement, ...] | UnsetType = UNSET


class CampaignsState(CampaignState, frozen=True, kw_only=True):
    """Numbers of a campaign, and what is needed to start one or to freeze a release.

    ``chosen`` says in words which stars of the selection a new campaign takes.
    """

    adjudicator: bool
    role: str
    selected: int
    selection: str
    chosen: str
    max_stars: int
    failed: tuple[str, ...]
    about: str | UnsetType = UNSET
    imports: tuple[str, ...] | UnsetType = UNSET
    overview: OverviewNumbers | UnsetType = UNSET


class Merged(MessagePart, frozen=True):
    """Result of a merge of records."""

    summary: str
    refused: tuple[str, ...]


class Frozen(MessagePart, frozen=True):
    """A release that was written."""

    folder: str
    stars: int
    counts: dict[str, int]


class VettingUpdate(TypedDict, total=False):
    """Parts that the vetting rooms take, beside those of a star."""

    unreachable: str
    closed: str
    vet: VetState
    counts: Counts
    fitted: dict[str, float]
    saved: str
    adjudicate: AdjudicateState
    campaigns: CampaignsState
    merged: Merged
    frozen: Frozen
