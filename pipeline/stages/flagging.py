"""Stage "flags": quality bits, and how odd each star is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.flags import QualityFlag, raise_bit
from pipeline.science.distance import CALIBRATED_M_H
from pipeline.science.oddness import joint_oddness, tail_log_probability
from pipeline.science.quality import (
    COLOUR_SIGMA,
    LINE_SIGMA,
    LOW_CCF_PEAK,
    RIVAL_PEAK,
    TAIL_PERCENTILE,
    chi2_limits,
    colour_outliers,
    residual_pattern,
    tail_limit,
)
from pipeline.stages.evidence import BROAD, NARROW, gather_evidence
from pipeline.stages.state import BuildState, Progress

_BLOCK = 500
LOW_SNR = 10.0
MASKED_LIMIT = 0.2
RUWE_LIMIT = 1.4
VELOCITY_SIGMA = 5.0


def raise_flags(state: BuildState, progress: Progress) -> int:
    """Set every quality bit whose inputs exist, and the oddness score."""
    n = len(state.table)
    if "in_training" not in state.table:
        state.table = state.table.assign(in_training=False)
    quality = np.zeros(n, np.int32)
    with np.errstate(invalid="ignore", divide="ignore"):
        evidence = gather_evidence(state, lambda fraction: progress(0.8 * fraction, "evidence of oddness"))
        progress(0.8, "quality bits")
        _flag_spectra(state, quality)
        _flag_velocities(state, quality)
        _flag_labels(state, quality, evidence)
        _flag_space(state, quality)
    score, reason = joint_oddness(evidence) if evidence else (np.full(n, np.nan), np.full(n, ""))
    state.table = state.table.assign(quality=quality, oddness=score, oddness_reason=reason)
    return int((quality == 0).sum())


def _saved(state: BuildState, name: str) -> NDArray[np.bool_]:
    """A boolean array of an earlier stage, all False when that stage was skipped."""
    if (state.work / "arrays" / f"{name}.npy").is_file():
        return np.array(state.array(name))
    return np.zeros(len(state.table), bool)


def _flag_spectra(state: BuildState, quality: NDArray[np.int32]) -> None:
    raise_bit(quality, QualityFlag.LOW_SNR, state.column("snr_good") < LOW_SNR)
    masked = state.column("masked_fraction")
    raise_bit(quality, QualityFlag.MASKED, masked > MASKED_LIMIT)


def _flag_velocities(state: BuildState, quality: NDArray[np.int32]) -> None:
    peak, rival = state.column("rv_peak"), state.column("rv_peak_ratio")
    doubtful = _saved(state, "rv_edge_of_search") | (peak < LOW_CCF_PEAK) | (rival > RIVAL_PEAK)
    raise_bit(quality, QualityFlag.RV_DOUBTFUL, doubtful)
    lines = state.column("rv_ca_sigma")
    raise_bit(quality, QualityFlag.CA_LINES_DISAGREE, lines > LINE_SIGMA)
    raise_bit(quality, QualityFlag.EDGE_TEMPLATE, _saved(state, "rv_edge_template"))
    difference = np.abs(state.column("rv") - state.column("rv_gaia"))
    sigma = np.hypot(state.column("rv_err"), state.column("rv_gaia_err"))
    raise_bit(
        quality,
        QualityFlag.ASTROMETRY,
        (difference > VELOCITY_SIGMA * sigma) | (state.column("ruwe") > RUWE_LIMIT),
    )


def _flag_labels(state: BuildState, quality: NDArray[np.int32], evidence: dict[str, NDArray[np.float64]]) -> None:
    if "chi2_nu" not in state.table:
        return
    chi2_nu, snr = state.column("chi2_nu"), state.column("snr")
    training = state.table["in_training"].to_numpy(bool)
    raise_bit(quality, QualityFlag.BAD_CHI2, chi2_nu > chi2_limits(chi2_nu[training], snr[training], snr))
    raise_bit(quality, QualityFlag.NOT_CONVERGED, ~_saved(state, "label_converged"))
    raise_bit(quality, QualityFlag.LABEL_AT_BOUND, _saved(state, "label_at_bound"))
    raise_bit(quality, QualityFlag.OUTSIDE_HULL, _saved(state, "label_outside_hull"))
    raise_bit(quality, QualityFlag.STARTS_DISAGREE, _saved(state, "label_starts_disagree"))
    folder = state.draft / "spectra"
    wavelength = np.load(folder / "wavelength.npy")
    store = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("flux", "model", "ivar")}
    pattern = [
        residual_pattern(
            wavelength, *(np.array(store[k][i : i + _BLOCK], float) for k in store), chi2_nu[i : i + _BLOCK]
        )
        for i in range(0, len(quality), _BLOCK)
    ]
    correlated, worst = (np.concatenate(part) for part in zip(*pattern, strict=True))
    # Not jk0: its reddening has been told by Teff already.
    deviation = np.abs(colour_outliers(state.column("teff"), state.column("jk") - state.column("e_jk_map")))
    odd = np.zeros(len(quality), bool)
    for values in (correlated, worst):
        odd |= values > tail_limit(values[training])
    for name in (NARROW, BROAD):
        odd |= tail_log_probability(evidence[name]) < np.log(1.0 - TAIL_PERCENTILE / 100.0)
    raise_bit(quality, QualityFlag.RESIDUALS, odd)
    raise_bit(quality, QualityFlag.COLOUR_OUTLIER, deviation > COLOUR_SIGMA)


def _flag_space(state: BuildState, quality: NDArray[np.int32]) -> None:
    if "distance_roots" in state.table:
        roots = state.column("distance_roots")
        m_h = np.array(state.array("distance_m_h"))
        outside = (m_h < CALIBRATED_M_H[0]) | (m_h > CALIBRATED_M_H[1])
        raise_bit(
            quality,
            QualityFlag.DISTANCE_DOUBTFUL,
            ((roots >= 0) & (roots != 1)) | outside | _saved(state, "distance_conflict"),
        )
    raise_bit(quality, QualityFlag.UNBOUND, _saved(state, "unbound"))
    raise_bit(quality, QualityFlag.ACTION_FAILURE, _saved(state, "action_failed"))
