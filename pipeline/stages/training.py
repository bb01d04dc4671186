"""Training stars of the label model: the cuts of paper section 2.2, with counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.stages.items import Columns, LabelColumns
from pipeline.stages.state import BuildState

MIN_TRAINING_STARS = 50

_ERRORS = ("teff_ref_err", "logg_ref_err", "m_h_ref_err", "alpha_m_ref_err")

TRAINING_COLUMNS = (
    LabelColumns("reference"),
    Columns("snr", *_ERRORS, "ref_bad", "ref_label_flags", "ref_star_flags", "snr_ref", "rv_ref_scatter"),
)
"""Columns that :func:`training_sample` reads."""


class TrainingSample(NamedTuple):
    """Training stars, and the cuts that selected them."""

    rows: NDArray[np.intp]
    """Rows of the training stars, ascending."""

    cuts: list[dict[str, Any]]
    """Result of each cut: ``cut``, and the numbers of stars ``in`` and ``out``."""

    @property
    def with_labels(self) -> int:
        """Stars with all reference labels."""
        return int(self.cuts[0]["out"])


def star_groups(table: pd.DataFrame) -> NDArray[np.int64]:
    """Group number of each row, equal for observations of one star."""
    return table["star"].to_numpy(np.int64) if "star" in table else np.arange(len(table))


def training_sample(state: BuildState) -> TrainingSample:
    """Stars with reference labels that pass the configured cuts, limited in number (seeded).

    A cut on an error, a flag, an S/N or a scatter drops only stars whose value is known.
    """
    config = state.config.labels
    passes, cuts = np.ones(len(state), np.bool_), []
    for name, kept in _cuts(state):
        before = int(passes.sum())
        passes &= kept
        cuts.append({"cut": name, "in": before, "out": int(passes.sum())})
    rows = np.flatnonzero(passes)
    if rows.size > config.max_training_stars:
        chosen = drawn_stars(star_groups(state.table)[rows], config.max_training_stars, config.seed)
        name = f"at most {config.max_training_stars} stars, drawn at random"
        cuts.append({"cut": name, "in": int(rows.size), "out": int(chosen.sum())})
        rows = rows[chosen]
    return TrainingSample(rows, cuts)


def drawn_stars(groups: NDArray[np.int64], most: int, seed: int) -> NDArray[np.bool_]:
    """Draw whole stars at random, so that no star is in both training and test.

    Parameters
    ----------
    groups : ndarray of int, shape (n,)
        Star of each row.
    most : int
        Rows that are drawn, at most; stars that no longer fit are passed over.
    seed : int
        Of the order.
    """
    stars, member, counts = np.unique(groups, return_inverse=True, return_counts=True)
    taken, left = np.zeros(stars.size, np.bool_), most
    for star in np.random.default_rng(seed).permutation(stars.size).tolist():
        if counts[star] <= left:
            taken[star] = True
            left -= int(counts[star])
    return np.asarray(taken[member.reshape(-1)])


def _cuts(state: BuildState) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Name of each cut, and a mask of the stars that pass."""
    config = state.config.labels
    yield "every reference label", np.asarray(np.isfinite(state.labels("reference")).all(axis=1), np.bool_)
    yield "labels and velocity not bad by the reference's flags", ~state.truths("ref_bad")
    for column, bits in (
        ("ref_label_flags", config.reference_label_bits),
        ("ref_star_flags", config.reference_star_bits),
    ):
        if bits:
            mask = sum(1 << bit for bit in set(bits))
            yield f"none of bits {', '.join(map(str, bits))} in {column}", (state.integers(column) & mask) == 0
    if config.min_reference_snr > 0:
        below = state.column("snr_ref") <= config.min_reference_snr
        yield f"S/N of the reference above {config.min_reference_snr:g}", ~below
    if config.max_reference_rv_scatter_kms > 0:
        above = state.column("rv_ref_scatter") >= config.max_reference_rv_scatter_kms
        yield f"scatter of the reference velocity below {config.max_reference_rv_scatter_kms:g} km/s", ~above
    yield f"S/N above {config.min_snr:g}", np.nan_to_num(state.column("snr"), nan=-1.0) > config.min_snr
    limits = (
        (config.max_teff_error_k, "K"),
        (config.max_logg_error_dex, "dex"),
        (config.max_m_h_error_dex, "dex"),
        (config.max_alpha_m_error_dex, "dex"),
    )
    for column, (limit, unit) in zip(_ERRORS, limits, strict=True):
        yield f"{column} below {limit:g} {unit}", ~(state.column(column) >= limit)
