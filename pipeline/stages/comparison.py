"""What a finished catalogue is worth: SLAM against itself (Figure 5), all against another table (Figures 3, 6, 7)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io.registry import IORegistryError
from astropy.table import Table
from astropy.units import UnitsWarning
from numpy.typing import NDArray

from pipeline.domain.columns import BY_NAME
from pipeline.products.catalog import Catalog
from pipeline.products.comparison import Compared, write_comparison
from pipeline.products.manifest import Manifest, ProductError
from pipeline.products.models import read_model
from pipeline.products.spectra import SPECTRA_DIR, SpectrumStore
from pipeline.science.slam import SlamModel, SlamSettings
from pipeline.stages.labels import REFERENCE_COLUMN, star_groups

PAPER_SHARE = 2770 / 3670
"""Of the training stars, how many train in the self-consistency experiment (paper section 3.2.4)."""

MATCH_ARCSEC = 1.0
"""Rows of another table closer than this are the same star, where no identifier is shared."""

Statistics = dict[str, dict[str, dict[str, float]]]


def self_consistency(
    directory: Path,
    output: Path,
    *,
    training_stars: int | None = None,
    seed: int = 2770,
    progress: Callable[[float], None] | None = None,
) -> Statistics:
    """Train on part of the training stars and judge the labels of the rest, and of fainter stars with references.

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
        Told the fraction done.

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
    manifest, table = Manifest.read(directory), Catalog.read(directory).table
    if not SpectrumStore.exists(directory):
        raise ProductError(f"{directory} holds no spectra: build from spectra to train a label model.")
    _, metadata = read_model(directory)
    names = tuple(metadata["label_names"])
    columns = [REFERENCE_COLUMN.get(name, f"{name}_ref") for name in names]
    reference = table[columns].to_numpy(float)
    known = np.isfinite(reference).all(axis=1)
    candidates = np.flatnonzero(table["in_training"].to_numpy(bool))
    wanted = round(PAPER_SHARE * candidates.size) if training_stars is None else training_stars
    training = _split(star_groups(table)[candidates], wanted, seed)
    train, held = candidates[training], candidates[~training]
    lowest = float(table["snr"].to_numpy(float)[candidates].min())
    faint = np.flatnonzero(known & ~table["in_training"] & (table["snr"] < lowest))
    store = SpectrumStore(directory)
    rows_of = store.rows(table["obsid"].to_numpy())
    part = {name: np.load(directory / SPECTRA_DIR / f"{name}.npy", mmap_mode="r") for name in ("flux", "ivar", "mask")}

    def spectra(rows: NDArray[np.intp]) -> list[NDArray[Any]]:
        return [np.array(part[name][rows_of[rows]]) for name in ("flux", "ivar", "mask")]

    model = SlamModel(names, SlamSettings.from_dict(metadata["settings"]))
    share = 0.8  # of the time, for training
    model.fit(
        reference[train],
        *spectra(train),
        groups=star_groups(table)[train],
        progress=(lambda f: progress(share * f)) if progress else None,
    )
    judged = np.concatenate([held, faint])
    labels = model.infer_labels(
        *spectra(judged), progress=(lambda f: progress(share + (1 - share) * f)) if progress else None
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
    """Which rows train: whole stars in random order until there are enough."""
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


def compare_with_table(directory: Path, path: Path, columns: Mapping[str, str], output: Path) -> Statistics:
    """Compare catalogue columns with another table's, for the stars in both.

    Parameters
    ----------
    directory : Path
        Product directory.
    path : Path
        FITS, VOTable, ECSV, CSV or Parquet.
    columns : mapping of str to str
        The other table's column for each of ours; converted where that table declares another unit.
    output : Path
        Folder for the figure and its numbers.

    Returns
    -------
    dict
        Statistics of other minus ours, by column.

    Raises
    ------
    ValueError
        If a column is unknown, not numeric or of another dimension, or no star is in both.
    """
    manifest, table = Manifest.read(directory), Catalog.read(directory).table
    other, units = _read_any(path)
    for ours, theirs in columns.items():
        _need(ours, [name for name in table if BY_NAME[name].is_numeric], f"numeric column of {directory}")
        _need(theirs, [str(name) for name in other], f"column of {path.name}")
    rows, matched = _match(table, other, path)
    quantities = [
        Compared(
            BY_NAME[ours],
            table[ours].to_numpy(float)[rows],
            _numbers(other[theirs], theirs)[matched] * _factor(units.get(theirs), ours, theirs),
        )
        for ours, theirs in columns.items()
    ]
    return write_comparison(
        output,
        f"{manifest.name} against {path.name}: {rows.size} stars in both",
        ("catalogue", path.stem),
        table.loc[rows, ["obsid"]],
        quantities,
        {"all": np.ones(rows.size, bool)},
        simulated=manifest.simulated,
    )


def _read_any(path: Path) -> tuple[pd.DataFrame, dict[str, u.UnitBase]]:
    """The table, and the units of the columns that declare one."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file.")
    if path.suffix == ".parquet":
        return pd.read_parquet(path), {}
    if path.suffix == ".csv":
        return pd.read_csv(path), {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnitsWarning)
            table = Table.read(path)
    except (IORegistryError, OSError) as error:
        raise ValueError(f"{path.name} is no FITS, VOTable, ECSV, CSV or Parquet table: {error}") from error
    flat = [name for name in table.colnames if table[name].ndim == 1]
    return table[flat].to_pandas(), {name: table[name].unit for name in flat if table[name].unit is not None}


def _factor(unit: u.UnitBase | None, ours: str, theirs: str) -> float:
    """From the other table's unit to ours; 1 where it declares none."""
    wanted = u.Unit(BY_NAME[ours].unit)
    if unit is None or u.dimensionless_unscaled in (unit, wanted):
        return 1.0
    try:
        return float(unit.to(wanted))
    except u.UnitConversionError as error:
        raise ValueError(f"Column {theirs!r} is in {unit}, which is no unit of {ours} [{wanted}].") from error


def _need(name: str, known: list[str], what: str) -> None:
    if name not in known:
        near = get_close_matches(name, known, 1)
        raise ValueError(f"{name!r} is no {what}." + (f" Did you mean {near[0]!r}?" if near else ""))


def _numbers(values: pd.Series, name: str) -> NDArray[np.float64]:
    try:
        return values.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Column {name!r} holds no numbers ({error}).") from error


def _match(table: pd.DataFrame, other: pd.DataFrame, path: Path) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of the same stars in both tables: by identifier where they share one, else by position."""
    low = {str(name).lower(): name for name in other}
    for ours, names in (("obsid", ("obsid",)), ("gaia_source_id", ("gaia_source_id", "source_id"))):
        theirs = next((low[name] for name in names if name in low), None)
        if theirs is None or ours not in table:
            continue
        mine = pd.Series(np.arange(len(table)), index=table[ours])
        mine = mine[(mine.index > 0) & ~mine.index.duplicated()]
        found = mine.reindex(other[theirs]).to_numpy()
        if np.isfinite(found).any():
            matched = np.flatnonzero(np.isfinite(found))
            return found[matched].astype(np.intp), matched
    ra, dec = (low.get(name, low.get(alias)) for name, alias in (("ra", "raj2000"), ("dec", "dej2000")))
    if ra is None or dec is None:
        raise ValueError(f"{path.name} shares no obsid or gaia_source_id with the catalogue, and has no ra and dec.")
    theirs_at = SkyCoord(_numbers(other[ra], ra) * u.deg, _numbers(other[dec], dec) * u.deg)
    ours_at = SkyCoord(table["ra"].to_numpy(float) * u.deg, table["dec"].to_numpy(float) * u.deg)
    nearest, apart, _ = theirs_at.match_to_catalog_sky(ours_at)
    matched = np.flatnonzero(apart < MATCH_ARCSEC * u.arcsec)
    if matched.size == 0:
        raise ValueError(f"No star of {path.name} lies within {MATCH_ARCSEC:g} arcsec of one of the catalogue.")
    return np.asarray(nearest[matched], np.intp), matched
