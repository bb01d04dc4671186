"""Parts of a message about one star: its spectrum and card, the refit, the evidence."""

from __future__ import annotations

from typing import TypedDict

from msgspec import UNSET, UnsetType

from explorer.protocol.requests.base import Ends
from explorer.protocol.updates.base import Float32s, Float64s, MessagePart, Row, Sentence
from explorer.protocol.updates.lines import LineListsState
from explorer.protocol.updates.spectrum import SpectrumDrawing, SpectrumFrame, TrialDrawing


class LabelSlider(Row, frozen=True):
    """A label, or the velocity, that a slider changes between two ends."""

    name: str
    label: str
    unit: str
    low: float
    high: float
    step: float


class RefitSetup(MessagePart, frozen=True):
    """Sliders of the refit; a sentence where there is no label model."""

    sentence: str
    labels: tuple[LabelSlider, ...] | UnsetType = UNSET


class StarSetup(MessagePart, frozen=True):
    """Constants of all spectra: wavelengths at rest, zooms, sliders, and whether continua are stored.

    A catalogue without spectra has no wavelengths. ``line_zoom`` is half the range, in Angstrom, to which one line is
    zoomed.
    """

    zooms: dict[str, Ends]
    refit: RefitSetup
    simulated: bool
    line_zoom: float
    wavelength: Float64s | UnsetType = UNSET
    wavelength_air: Float64s | UnsetType = UNSET
    raw: bool | UnsetType = UNSET


class CardLabel(Row, frozen=True):
    """A label with both of its errors and its reference value, as texts; ``doubt`` as of an entry."""

    name: str
    label: str
    unit: str
    value: str
    calibrated: str
    formal: str
    reference: str
    doubt: str


class CardEntry(Row, frozen=True):
    """One line of the card; ``doubt`` has the quality bits, in words, that make its value doubtful."""

    name: str
    label: str
    text: str
    about: str
    doubt: str


class CardCopy(Row, frozen=True):
    """A value to copy, and what it is."""

    label: str
    text: str


class CardGroup(Row, frozen=True):
    """Lines of one subject."""

    title: str
    entries: tuple[CardEntry, ...]


class CardLink(Row, frozen=True):
    """Name and address of another service."""

    name: str
    address: str


class StarCard(MessagePart, frozen=True):
    """A star's card; repeats are obsids of the same star."""

    labels: tuple[CardLabel, ...]
    groups: tuple[CardGroup, ...]
    bits: tuple[str, ...]
    in_training: bool
    repeats: tuple[str, ...]
    copies: tuple[CardCopy, ...]
    links: tuple[CardLink, ...]


class BandPoint(Row, frozen=True):
    """A band's wavelength in micrometres, and the logarithm of the flux in it with its error."""

    label: str
    wavelength: float
    flux: float
    error: float


class PhotometryDrawing(MessagePart, frozen=True):
    """The spectral energy distribution of a star in the bands that are known, with the ends of its axes."""

    points: tuple[BandPoint, ...]
    x_ends: Ends
    y_ends: Ends
    x_label: str
    y_label: str


class CardRemark(Row, frozen=True):
    """Status of a star in one campaign, and a reviewer's comment."""

    campaign: str
    text: str
    note: str


class StarData(MessagePart, frozen=True, tag_field="kind", tag="star"):
    """One star: its card, published labels and spectrum, or a sentence and its photometry instead.

    ``next`` and ``previous`` are obsids, "" without one, and are set for the focused star.
    """

    obsid: str
    sentence: str
    note: str
    rv: float | None
    facts: StarCard
    remarks: tuple[CardRemark, ...]
    published: dict[str, float | None]
    spectrum: SpectrumDrawing | UnsetType = UNSET
    photometry: PhotometryDrawing | UnsetType = UNSET
    next: str | UnsetType = UNSET
    previous: str | UnsetType = UNSET


class TrialModel(MessagePart, frozen=True):
    """The model at the labels of the sliders."""

    obsid: str
    number: int
    trial: TrialDrawing


class RefitRow(Row, frozen=True):
    """A fitted label with both of its errors, as texts."""

    name: str
    value: str
    calibrated: str
    formal: str


class RefitResult(MessagePart, frozen=True, tag_field="kind", tag="fit"):
    """A fit: labels, how well it fits, and its model."""

    obsid: str
    sentence: str
    values: dict[str, float]
    rows: tuple[RefitRow, ...]
    fixed: tuple[str, ...]
    at_bound: tuple[str, ...]
    reason: str
    chi2: str
    published_chi2: str
    reduced: str
    n_pixels: str
    trial: TrialDrawing


class Proposed(MessagePart, frozen=True):
    """A proposal that was kept."""

    obsid: str
    reason: str


class Chi2Window(Row, frozen=True):
    """Reduced chi-squared between two wavelengths, in Angstrom; None where no pixel is known."""

    low: float
    high: float
    chi2: float | None


class CorrelationPeak(Row, frozen=True):
    """A peak of a correlation, in km/s."""

    velocity: float
    height: float


class Correlation(MessagePart, frozen=True):
    """A cross-correlation function over velocity, in km/s."""

    x: Float32s
    y: Float32s
    peaks: tuple[CorrelationPeak, ...]
    template: str


class LineVelocity(Row, frozen=True):
    """Velocity of one line and its error, in km/s."""

    label: str
    velocity: float
    error: float


class LabelName(Row, frozen=True):
    """A label and what stands beside its axis."""

    name: str
    label: str


class Hull(MessagePart, frozen=True):
    """Place of a star among the training stars: their labels, an array a label, and the star's."""

    names: tuple[LabelName, ...]
    training: tuple[Float32s, ...]
    star: tuple[float, ...]
    distance: str
    limit: str
    outside: bool


class EvidenceResult(MessagePart, frozen=True, tag_field="kind", tag="evidence"):
    """Evidence for a star's labels; hull and nearest training stars where it has a model and labels."""

    obsid: str
    sentence: str
    rv: float | None
    windows: tuple[Chi2Window, ...]
    ccf: tuple[Correlation, ...]
    lines: tuple[LineVelocity, ...]
    hull: Hull | UnsetType = UNSET
    nearest: tuple[str, ...] | UnsetType = UNSET


class PosteriorResult(MessagePart, frozen=True, tag_field="kind", tag="draws"):
    """Draws from the likelihood, an array a label, with fitted labels and their calibrated errors."""

    obsid: str
    draws: tuple[Float32s, ...]
    effective: str
    fitted: tuple[float, ...]
    calibrated: tuple[float | None, ...]


class NoPosterior(MessagePart, frozen=True, tag_field="kind", tag="sentence"):
    """The reason why a star has no posterior."""

    obsid: str
    sentence: str


class Alikes(MessagePart, frozen=True):
    """Similar stars, the most similar first."""

    by: str
    obsid: str
    similar: tuple[str, ...]


class StarUpdate(TypedDict, total=False):
    """Parts of a star, in every room that shows one."""

    star_setup: StarSetup
    star_page: bool
    star: StarData | Sentence
    drawn: SpectrumDrawing
    frame: SpectrumFrame
    lines: LineListsState
    ahead: tuple[StarData, ...]
    pinned: StarData
    trial: TrialModel
    refit: RefitResult | Sentence
    proposed: Proposed
    evidence: EvidenceResult | Sentence
    posterior: PosteriorResult | NoPosterior
    alike: Alikes
