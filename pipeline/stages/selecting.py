"""The selection stage: criteria of M giants, one after another, with counts (paper section 2.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.science.space.dust import W1_W2_PER_J_KS
from pipeline.science.spectra.selection import (
    class_step,
    selection_steps,
    summarise_steps,
    velocity_step,
)
from pipeline.stages.declared import Stage
from pipeline.stages.internal import RV_EDGE_OF_SEARCH
from pipeline.stages.items import AnyOf, Columns, Internals, When
from pipeline.stages.state import BuildState, Progress

FloatArray = NDArray[np.float64]


def select_giants(state: BuildState, progress: Progress) -> int:
    """Record for each star why it was selected or not; no star is removed from the catalogue."""
    config = state.config.selection
    jk0 = state.column("jk0")
    observed = state.column("j_mag") - state.column("k_mag")
    jk0 = np.where(np.isfinite(jk0), jk0, observed)  # a star without a distance has no reddening: as observed
    e_jk = np.nan_to_num(observed - jk0)
    steps = selection_steps(
        config,
        state.column("tio5"),
        _cah_sum(state),
        jk0,
        state.column("w1_mag") - state.column("w2_mag") - W1_W2_PER_J_KS * e_jk,
        state.column("k_mag") - np.nan_to_num(state.column("a_k")),
        state.column("parallax"),
        state.column("parallax_err"),
    )
    if state.has_column("object_class"):
        steps.insert(0, class_step(state.words("object_class")))
    if state.has(RV_EDGE_OF_SEARCH):  # velocities were looked for in the spectra
        steps.append(velocity_step(state.column("rv")))
    kept, why, counts = summarise_steps(steps)
    state.give(selected=kept, selection=why)
    state.facts["report"]["selection"] = counts
    progress(1.0, "selection")
    return int(kept.sum())


def _cah_sum(state: BuildState) -> FloatArray:
    """CaH2 + CaH3, also if the input has only the two indices."""
    both = state.column("cah2") + state.column("cah3")
    total = np.where(np.isfinite(state.column("cah_sum")), state.column("cah_sum"), both)
    if np.isfinite(both).any():
        state.give(cah_sum=total)
    return total


SELECTION = Stage(
    *("selection", select_giants, 1, ("selection",)),
    needs=(
        AnyOf(
            Columns("tio5"),
            Columns("j_mag", "k_mag", "w1_mag", "w2_mag"),
            Columns("jk0", "w1_mag", "w2_mag"),
            Columns("parallax", "parallax_err", "k_mag"),
            called="band ratios, infrared colours, or a parallax with its error and Ks",
        ),
    ),
    optional=(Columns("cah2", "cah3", "a_k", "object_class", "rv"), Internals(RV_EDGE_OF_SEARCH)),
    gives=(Columns("selected", "selection"), When((Columns("cah2", "cah3"),), Columns("cah_sum"))),
)
