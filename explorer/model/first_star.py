"""Choice of a star to open a page with, and of one among selected stars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.model.library import Library, kept_by_library
from explorer.model.selection import Mask
from explorer.model.table import StarTable
from pipeline.domain.label_names import LABEL_NAMES

_MEMBER, _MIN_PROBABILITY = "sgr_probability", 0.8
_MEMBERS = 30
"""Number of members, the most probable ones, that are considered."""

_SNR = ("snr", "snr_good")
"""Signal-to-noise ratios; the first one that a catalogue has is used."""

_CONSIDERED = 100
"""Number of stars with the best S/N among which the star with the most known values is chosen."""


@kept_by_library(1)
def first_star(library: Library) -> int | None:
    """The star that a new page opens with, by obsid; None in a catalogue without stars.

    The stars with a spectrum are considered, or all where there are no spectra; of these the ones without a quality
    bit, if there are any; of these the 30 most probable members of the Sagittarius stream, if there are any. Of the 100
    that remain with the best S/N, the star with the most known values on the card is chosen, then the one with the best
    S/N.
    """
    stars = np.arange(library.table.n_stars)
    return best_star(library, _with_spectrum(library, stars))


def best_star(library: Library, stars: NDArray[np.intp]) -> int | None:
    """The star among some rows that :func:`first_star` prefers, by obsid; None without rows."""
    table = library.table
    if "quality" in table:
        stars = _preferred(stars, table.taken("quality", stars) == 0)
    if _MEMBER in table and table.usable(_MEMBER):
        stars = _members(stars, table.taken(_MEMBER, stars))
    if not stars.size:
        return None
    considered = _best_snr(table, stars)
    known = _known_values(table, considered)
    return int(table["obsid"][considered[int(np.argmax(known))]])  # the first of equals has the best S/N


def first_with_spectrum(library: Library, stars: NDArray[np.intp]) -> int | None:
    """The first of some rows that has a spectrum, else the first row, by obsid; None without rows."""
    shown = _with_spectrum(library, stars)
    return int(library.table["obsid"][shown[0]]) if shown.size else None


def _with_spectrum(library: Library, stars: NDArray[np.intp]) -> NDArray[np.intp]:
    """Rows with a spectrum, in their order; all where none has."""
    spectra = library.products.spectra
    if spectra is None:
        return stars
    return _preferred(stars, np.isin(library.table["obsid"][stars], spectra.obsid))


def _preferred(stars: NDArray[np.intp], wanted: Mask) -> NDArray[np.intp]:
    """Rows that are wanted; all where none is."""
    return stars[wanted] if wanted.any() else stars


def _members(stars: NDArray[np.intp], probability: NDArray[np.floating]) -> NDArray[np.intp]:
    """The most probable members of the stream, in their order; all rows where none is likely."""
    likely = np.flatnonzero(probability >= _MIN_PROBABILITY)
    if not likely.size:
        return stars
    return stars[np.sort(likely[np.argsort(-probability[likely], kind="stable")[:_MEMBERS]])]


def _best_snr(table: StarTable, stars: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rows with the best S/N, best first; the first rows of a catalogue without one."""
    name = next((name for name in _SNR if name in table and table.usable(name)), None)
    if name is None:
        return stars[:_CONSIDERED]
    snr = np.nan_to_num(table.taken(name, stars), nan=-np.inf)
    if stars.size > _CONSIDERED:
        best = np.sort(np.argpartition(snr, -_CONSIDERED)[-_CONSIDERED:])
        stars, snr = stars[best], snr[best]
    return stars[np.argsort(-snr, kind="stable")]


def _known_values(table: StarTable, stars: NDArray[np.intp]) -> NDArray[np.int64]:
    """Numbers of known values on the card of each row, shape (n,)."""
    known = np.zeros(stars.size, np.int64)
    for column in table.columns:
        if column.is_float and (column.card or column.name in LABEL_NAMES):
            known += np.isfinite(table.taken(column.name, stars))
    return known
