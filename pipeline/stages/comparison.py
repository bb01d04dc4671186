"""Self-consistency of SLAM's labels in a finished catalogue (Figure 5)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.columns import BY_NAME
from pipeline.products.catalog import Catalog
from pipeline.products.comparison import Compared, Statistics, write_comparison
from pipeline.products.manifest import Manifest, ProductError
from pipeline.products.models import read_model
from pipeline.products.spectra import SpectrumStore
from pipeline.products.versions import current_version
from pipeline.science.slam.model import SlamModel
from pipeline.science.slam.storage import stored_settings
from pipeline.stages.items import label_columns
from pipeline.stages.training import star_groups

PAPER_SHARE = 2770 / 3670
"""Fraction of the training stars that train in the self-consistency experiment (paper section 3.2.4)."""


def self_consistency(
    directory: Path,
    output: Path,
    *,
    training_stars: int | None = None,
    seed: int = 2770,
    progress: Callable[[float], None] | None = None,
) -> Statistics:
    """Train on part of the training stars, and test the labels of the others and of fainter stars.

    Parameters
    ----------
    directory : Path
        Product directory with spectra and a label model, whose settings are used again.
    output : Path
        Folder for the figure and its numbers.
    training_stars : int, optional
        How many train; 2770 of 3670 as in the paper by default.
    seed : int
        Of the split.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    dict
        Statistics of reference minus SLAM, by label and sample.

    Raises
    ------
    ProductError
        If the product has no label model.
    ValueError
        If so many stars cannot train.
    """
    directory = current_version(directory)
    manifest, table = Manifest.read(directory), Catalog.read(directory).table
    if not SpectrumStore.exists(directory):
        raise ProductError(f"{directory} holds no spectra: build from spectra to train a label model.")
    if not any(name.startswith("model/") for name in manifest.files):
        reason = next((stage["reason"] for stage in manifest.stages if stage["name"] == "labels"), "")
        raise ProductError(f"{directory} has no label model{f': its stage labels {reason}' if reason else ''}.")
    _, metadata = read_model(directory)
    names = tuple(metadata["label_names"])
    reference = table[list(label_columns("reference", names))].to_numpy(float)
    known = np.isfinite(reference).all(axis=1)
    candidates = np.flatnonzero(table["in_training"].to_numpy(bool))
    wanted = round(PAPER_SHARE * candidates.size) if training_stars is None else training_stars
    training = _split(star_groups(table)[candidates], wanted, seed)
    train, held = candidates[training], candidates[~training]
    lowest = float(table["snr"].to_numpy(float)[candidates].min())
    faint = np.flatnonzero(known & ~table["in_training"] & (table["snr"] < lowest))
    store = SpectrumStore(directory)
    rows_of = store.rows(table["obsid"].to_numpy())
    model = SlamModel(names, *stored_settings(metadata["settings"]))
    share = 0.8  # of the time, for training
    model.fit(
        reference[train],
        *store.pixels(rows_of[train]),
        groups=star_groups(table)[train],
        progress=(lambda f: progress(share * f)) if progress else None,
    )
    judged = np.concatenate([held, faint])
    labels = model.infer_labels(
        *store.pixels(rows_of[judged]), progress=(lambda f: progress(share + (1 - share) * f)) if progress else None
    ).labels
    bright = np.arange(judged.size) < held.size
    samples = {f"S/N ≥ {lowest:.0f}": bright, f"S/N < {lowest:.0f}": ~bright}
    return write_comparison(
        output,
        f"{manifest.name}: SLAM trained on {train.size} stars, judged on {held.size} and {faint.size} fainter others",
        ("SLAM", "reference"),
        table.loc[judged, ["obsid", "snr"]],
        [Compared(BY_NAME[name], labels[:, k], reference[judged, k]) for k, name in enumerate(names)],
        {name: rows for name, rows in samples.items() if rows.any()},
        simulated=manifest.simulated,
    )


def _split(groups: NDArray[np.int64], wanted: int, seed: int) -> NDArray[np.bool_]:
    """Rows that train: whole stars in random order until there are enough."""
    if not 0 < wanted < groups.size:
        raise ValueError(f"--training {wanted}: the model has {groups.size} training stars; leave some to judge.")
    stars, member = np.unique(groups, return_inverse=True)
    rank = np.random.default_rng(seed).permutation(stars.size)[member]
    order = np.argsort(rank, kind="stable")
    training = np.zeros(groups.size, bool)
    training[order[:wanted]] = True
    cut = rank[order[wanted - 1]]
    training[rank == cut] = True  # the last star whole
    return training
