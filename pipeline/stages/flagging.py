"""Stage "flags": quality bits, and the oddness of each star."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.flags import ALL_BITS, QualityFlag, raise_bit
from pipeline.science.quality.bits import (
    LOW_CCF_PEAK,
    RIVAL_PEAK,
    arms_disagree,
    chi2_limits,
    colour_outliers,
    residual_pattern,
    tail_limit,
    template_against_bands,
    velocity_misfit,
)
from pipeline.science.quality.oddness import joint_oddness, tail_log_probability
from pipeline.science.space.distance import CALIBRATED_M_H
from pipeline.stages.build_spectra import blocks
from pipeline.stages.declared import Stage
from pipeline.stages.evidence import BROAD, NARROW, gather_evidence
from pipeline.stages.internal import (
    ACTION_FAILED,
    DISTANCE_CONFLICT,
    DISTANCE_M_H,
    INTERNAL,
    LABEL_AT_BOUND,
    LABEL_CONVERGED,
    LABEL_OUTSIDE_HULL,
    LABEL_STARTS_DISAGREE,
    RV_EDGE_OF_SEARCH,
    RV_EDGE_TEMPLATE,
    RV_SHIFTED,
    UNBOUND,
    Internal,
)
from pipeline.stages.items import Columns, Internals, LabelColumns, ModelSpectra, RawSpectra, RestSpectra
from pipeline.stages.spectral import SPECTRUM_VELOCITY
from pipeline.stages.state import BuildState, Progress

_BLOCK = 500


def raise_flags(state: BuildState, progress: Progress) -> int:
    """Set every quality bit whose inputs exist, and the oddness score.

    Without spectra, bits and scores of a finished catalogue are kept: what they were made from is not there any more.
    """
    n = len(state)
    if not state.has_column("in_training"):
        state.give(in_training=False)
    finished = not state.grid()  # without spectra of this build, what the input brings about them counts
    quality = np.zeros(n, np.int32)
    if finished and state.has_column("quality"):
        quality |= (state.integers("quality") & ALL_BITS).astype(np.int32)
    with np.errstate(invalid="ignore", divide="ignore"):
        evidence = gather_evidence(state, lambda fraction: progress(0.8 * fraction, "evidence of oddness"))
        progress(0.8, "quality bits")
        _flag_by_threshold(state, quality)
        _flag_velocities(state, quality)
        _flag_labels(state, quality, evidence)
        _flag_space(state, quality)
    score, reason = joint_oddness(evidence) if evidence else (np.full(n, np.nan), np.full(n, ""))
    if finished and state.has_column("oddness"):
        brought = np.isfinite(state.column("oddness"))
        score = np.where(brought, state.column("oddness"), score)
        reason = np.where(brought, state.words("oddness_reason"), reason)
    state.give(quality=quality, oddness=score, oddness_reason=reason)
    return int((quality == 0).sum())


def _flag_by_threshold(state: BuildState, quality: NDArray[np.int32]) -> None:
    """Set the bits whose declarations test single columns."""
    for flag in QualityFlag:
        for test in flag.text.tests:
            raise_bit(quality, flag, test.is_raised(state.column(test.column), flag.limit(test.limit)))


def _flag_velocities(state: BuildState, quality: NDArray[np.int32]) -> None:
    peak, rival = state.column("rv_peak"), state.column("rv_peak_ratio")
    raise_bit(quality, QualityFlag.RV_DOUBTFUL, (peak < LOW_CCF_PEAK) | (rival > RIVAL_PEAK))
    if state.has(RV_EDGE_OF_SEARCH):
        missing = np.isnan(state.column("rv")) | np.isnan(peak)  # none could be measured
        doubtful = state.kept(RV_EDGE_OF_SEARCH) | missing
        raise_bit(quality, QualityFlag.RV_DOUBTFUL, doubtful)
    _raise_where_kept(state, quality, QualityFlag.EDGE_TEMPLATE, RV_EDGE_TEMPLATE)
    _raise_where_kept(state, quality, QualityFlag.RV_SHIFTED_GROUP, RV_SHIFTED)
    arms = (state.column(name) for name in ("rv_blue", "rv_blue_err", "rv_red", "rv_red_err"))
    raise_bit(quality, QualityFlag.ARMS_DISAGREE, arms_disagree(*arms))
    misfit = velocity_misfit(state.column("rv_chi2_nu"), state.column("snr_ca"))
    raise_bit(quality, QualityFlag.RV_POOR_FIT, misfit > QualityFlag.RV_POOR_FIT.limit("misfit"))
    against = template_against_bands(state.column("rv_template_teff"), state.column("tio5"))
    raise_bit(quality, QualityFlag.TEMPLATE_AGAINST_BANDS, against)
    difference = np.abs(state.column("rv") - state.column("rv_gaia"))
    sigma = np.hypot(state.column("rv_err"), state.column("rv_gaia_err"))
    raise_bit(quality, QualityFlag.ASTROMETRY, difference > QualityFlag.ASTROMETRY.limit("sigma") * sigma)


def _flag_labels(state: BuildState, quality: NDArray[np.int32], evidence: dict[str, NDArray[np.float64]]) -> None:
    if ModelSpectra().missing(state):
        return
    chi2_nu, snr = state.column("chi2_nu"), state.column("snr")
    training = state.truths("in_training")
    raise_bit(quality, QualityFlag.BAD_CHI2, chi2_nu > chi2_limits(chi2_nu[training], snr[training], snr))
    raise_bit(quality, QualityFlag.NOT_CONVERGED, ~state.kept(LABEL_CONVERGED))
    _raise_where_kept(state, quality, QualityFlag.LABEL_AT_BOUND, LABEL_AT_BOUND)
    _raise_where_kept(state, quality, QualityFlag.OUTSIDE_HULL, LABEL_OUTSIDE_HULL)
    _raise_where_kept(state, quality, QualityFlag.STARTS_DISAGREE, LABEL_STARTS_DISAGREE)
    if state.has_column("label_disagreement"):
        apart = state.column("label_disagreement")
        raise_bit(
            quality,
            QualityFlag.ENGINES_DISAGREE,
            apart > tail_limit(apart[training], QualityFlag.ENGINES_DISAGREE.limit("percentile")),
        )
    store = state.rest_spectra
    pattern = []
    for rows in blocks(len(quality), _BLOCK):
        flux, ivar = (values.astype(float) for values in store.pixels(rows)[:2])
        model = store.models(rows).astype(float)
        pattern.append(residual_pattern(store.wavelength, flux, model, ivar, chi2_nu[rows]))
    correlated, worst = (np.concatenate(part) for part in zip(*pattern, strict=True))
    # Not jk0: its reddening has been told by Teff already.
    deviation = np.abs(colour_outliers(state.column("teff"), state.column("jk") - state.column("e_jk_map")))
    odd, percentile = np.zeros(len(quality), bool), QualityFlag.RESIDUALS.limit("percentile")
    for values in (correlated, worst):
        odd |= values > tail_limit(values[training], percentile)
    for name in (NARROW, BROAD):
        odd |= tail_log_probability(evidence[name]) < np.log(1.0 - percentile / 100.0)
    raise_bit(quality, QualityFlag.RESIDUALS, odd)
    raise_bit(quality, QualityFlag.COLOUR_OUTLIER, deviation > QualityFlag.COLOUR_OUTLIER.limit("sigma"))


def _flag_space(state: BuildState, quality: NDArray[np.int32]) -> None:
    if state.has(DISTANCE_M_H):
        roots, m_h = state.column("distance_roots"), state.kept(DISTANCE_M_H)
        outside = (m_h < CALIBRATED_M_H[0]) | (m_h > CALIBRATED_M_H[1])
        raise_bit(quality, QualityFlag.DISTANCE_DOUBTFUL, ((roots >= 0) & (roots != 1)) | outside)
    _raise_where_kept(state, quality, QualityFlag.DISTANCE_DOUBTFUL, DISTANCE_CONFLICT)
    _raise_where_kept(state, quality, QualityFlag.UNBOUND, UNBOUND)
    _raise_where_kept(state, quality, QualityFlag.ACTION_FAILURE, ACTION_FAILED)


def _raise_where_kept(
    state: BuildState, quality: NDArray[np.int32], flag: QualityFlag, internal: Internal[np.bool_]
) -> None:
    """Set a bit from an internal column of an earlier stage, unless that stage was skipped."""
    if state.has(internal):
        raise_bit(quality, flag, state.kept(internal))


FLAGS = Stage(
    *("flags", raise_flags, 6, ()),
    optional=(
        *(ModelSpectra(), RestSpectra(), RawSpectra(), *SPECTRUM_VELOCITY),
        *(LabelColumns("label"), LabelColumns("error"), LabelColumns("reference"), LabelColumns("reference error")),
        Columns(*dict.fromkeys(test.column for flag in QualityFlag for test in flag.text.tests)),
        Columns("label_disagreement"),
        Columns("snr", "rv_peak", "rv_peak_ratio", "rv_err"),
        Columns("rv_blue", "rv_blue_err", "rv_red", "rv_red_err", "rv_chi2_nu", "rv_template_teff", "snr_ca"),
        Columns("rv_gaia_err", "chi2_nu", "teff", "star", "tio5", "cah2", "cah3"),
        Columns("j_mag", "h_mag", "k_mag", "w1_mag", "w2_mag", "g_mag", "bp_rp", "parallax", "parallax_err"),
        Columns("distance_roots", "jk", "e_jk_map", "a_k", "k_abs", "k0_mag"),
        Internals(*INTERNAL),
    ),
    gives=(Columns("quality", "oddness", "oddness_reason", "in_training"),),
)
