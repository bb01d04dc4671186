"""The selection stage: which stars are M giants, step by step, with counts (paper section 2.1)."""

from __future__ import annotations

import numpy as np

from pipeline.science.dust import W1_W2_PER_J_KS
from pipeline.science.selection import SelectionSettings, selection_steps, summarise_steps
from pipeline.stages.state import BuildState, Progress, StageSkipped


def select_giants(state: BuildState, progress: Progress) -> int:
    """Every star keeps why it was kept or dropped; none leaves the catalogue."""
    config = state.config.selection
    jk0 = state.column("jk0")
    observed = state.column("j_mag") - state.column("k_mag")
    jk0 = np.where(np.isfinite(jk0), jk0, observed)  # a star without a distance has no reddening: as observed
    e_jk = np.nan_to_num(observed - jk0)
    steps = selection_steps(
        SelectionSettings(
            config.max_tio5,
            config.dwarf_margin,
            config.min_jk0_mag,
            config.max_w1w2_mag,
            config.min_parallax_snr,
            config.brightest_dwarf_k_mag,
        ),
        state.column("tio5"),
        state.column("cah_sum"),
        jk0,
        state.column("w1_mag") - state.column("w2_mag") - W1_W2_PER_J_KS * e_jk,
        state.column("k_mag") - np.nan_to_num(state.column("a_k")),
        state.column("parallax"),
        state.column("parallax_err"),
    )
    if not any(step.tested.any() for step in steps):
        raise StageSkipped("no star has band ratios, infrared colours or a parallax")
    kept, why, counts = summarise_steps(steps)
    state.table = state.table.assign(selected=kept, selection=why)
    state.facts["report"]["selection"] = counts
    progress(1.0, "selection")
    return int(kept.sum())
