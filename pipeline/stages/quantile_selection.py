"""Quantiles of quantities derived from 6D for selected stars, computed on demand."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.config import InputConfig, KinematicsConfig, RunConfig, section
from pipeline.domain.columns import QUANTILE_OF, QUANTILE_PERCENTS
from pipeline.products.catalog import Catalog
from pipeline.products.manifest import Manifest
from pipeline.products.versions import current_version
from pipeline.stages.spatial import QUANTILES, measure_quantiles
from pipeline.stages.state import BuildState, StageSkipped

MAX_LISTED = 5


def chosen_rows(table: pd.DataFrame, stars: Path | None, where: str) -> NDArray[np.intp]:
    """Rows of a catalogue selected by a list of stars and an expression.

    Parameters
    ----------
    table : pandas.DataFrame
        The catalogue.
    stars : Path or None
        A text file or CSV whose column ``obsid``, or else its first one, holds observation ids.
    where : str
        A condition on columns in the syntax of ``pandas.DataFrame.eval``, such as ``"distance > 10 and quality == 0"``;
        "" for none.

    Raises
    ------
    ValueError
        If the file holds no ids or ids that the catalogue lacks, the condition cannot be evaluated or is none, or no
        star is chosen.
    """
    chosen = np.ones(len(table), bool)
    if stars is not None:
        wanted = _listed(stars)
        known = np.isin(wanted, table["obsid"].to_numpy())
        if not known.all():
            lacking = ", ".join(map(str, wanted[~known][:MAX_LISTED]))
            raise ValueError(f"{stars} lists {(~known).sum()} ids that the catalogue lacks: {lacking}. Remove them.")
        chosen &= np.isin(table["obsid"].to_numpy(), wanted)
    if where:
        chosen &= _condition(table, where)
    rows = np.flatnonzero(chosen)
    if not rows.size:
        raise ValueError("No star of the catalogue is chosen; relax the condition or list other stars.")
    return rows


def _listed(stars: Path) -> NDArray[np.int64]:
    lines = [re.split(r"[,;\s]+", line.strip()) for line in stars.read_text("utf-8-sig").splitlines()]
    lines = [line for line in lines if line != [""] and not line[0].startswith("#")]
    head = lines[0] if lines and not lines[0][0].lstrip("-").isdigit() else []
    column = head.index("obsid") if "obsid" in head else 0
    try:
        result = np.array([int(line[column]) for line in lines[bool(head) :]], np.int64)
    except (ValueError, IndexError) as error:
        raise ValueError(f"{stars} holds observation ids that are no whole numbers ({error}).") from error
    if not result.size:
        raise ValueError(f"{stars} holds no observation id; write one a line, or a CSV with the column obsid.")
    return result


def _condition(table: pd.DataFrame, where: str) -> NDArray[np.bool_]:
    try:
        result = table.eval(where, engine="python")
    except Exception as error:  # pandas raises whatever the expression makes it raise
        raise ValueError(f"The condition {where!r} cannot be evaluated: {error}.") from error
    values = np.asarray(result)
    if values.shape != (len(table),) or values.dtype != np.bool_:
        raise ValueError(f"{where!r} is no condition on each star; write one such as 'distance > 10'.")
    return values


def selected_quantiles(
    directory: Path,
    output: Path,
    *,
    stars: Path | None = None,
    where: str = "",
    draws: int | None = None,
    progress: Callable[[float], None] = lambda _fraction: None,
) -> tuple[int, int]:
    """Draw quantiles for some stars of a product and write them as CSV.

    Parameters
    ----------
    directory : Path
        Product directory; its frame, potential and seed are used, so that the numbers are those of a build with draws.
    output : Path
        CSV with ``obsid`` and ``NAME_16``, ``NAME_50``, ``NAME_84`` of every derived quantity.
    stars, where
        See :func:`chosen_rows`.
    draws : int, optional
        Draws a star; by default the configuration's, or 100 where that has none.
    progress : callable
        Receives the fraction done.

    Returns
    -------
    chosen, drawn : int
        Stars that were chosen, and those of them that have quantiles.

    Raises
    ------
    ValueError
        As for :func:`chosen_rows`, or if no chosen star has 6D with errors.
    """
    directory = current_version(directory)
    configuration = Manifest.read(directory).configuration
    kinematics = section(KinematicsConfig, configuration.get("kinematics", {}), "kinematics")
    kinematics = replace(kinematics, draws=draws or kinematics.draws or KinematicsConfig().draws)
    seed = int(configuration.get("input", {}).get("seed", InputConfig().seed))
    table = Catalog.read(directory).table
    table = table.iloc[chosen_rows(table, stars, where)].reset_index(drop=True)
    state = BuildState(RunConfig("quantiles", InputConfig(seed=seed), kinematics=kinematics), output, output, table)
    reason = QUANTILES.missing(state)
    if not reason:
        try:
            drawn = measure_quantiles(state, lambda fraction, _message: progress(fraction))
        except StageSkipped as skipped:
            reason = str(skipped)
    if reason:
        raise ValueError(f"The chosen stars have no quantiles: {reason}.")
    names = ["obsid", *(f"{name}_{percent}" for name in QUANTILE_OF for percent in QUANTILE_PERCENTS)]
    output.parent.mkdir(parents=True, exist_ok=True)
    state.table[names].to_csv(output, index=False)
    return len(table), drawn
