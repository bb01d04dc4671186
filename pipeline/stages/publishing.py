"""Stages "flags" and "catalogue": quality bits, oddness, comparison with what is known, and the product directory."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.columns import BY_NAME, column
from pipeline.domain.flags import QualityFlag, raise_bit
from pipeline.domain.statistics import robust_scatter
from pipeline.products.catalog import REJECT_COLUMNS, Catalog, write_rejects
from pipeline.products.release import REPORT_NAME, TRUTH_NAME
from pipeline.science.distance import CALIBRATED_M_H
from pipeline.science.quality import (
    COLOUR_SIGMA,
    LINE_SIGMA,
    LOW_CCF_PEAK,
    RIVAL_PEAK,
    chi2_limits,
    colour_outliers,
    oddness,
    residual_pattern,
    tail_limit,
)
from pipeline.stages.state import BuildState, Progress

_BLOCK = 500
LOW_SNR = 10.0
MASKED_LIMIT = 0.2
RUWE_LIMIT = 1.4
VELOCITY_SIGMA = 5.0


def raise_flags(state: BuildState, progress: Progress) -> int:
    """Set every quality bit whose inputs exist, and the oddness score."""
    n = len(state.table)
    quality = np.zeros(n, np.int32)
    evidence: list[NDArray[np.float64]] = []
    with np.errstate(invalid="ignore"):
        _flag_spectra(state, quality, evidence)
        progress(0.3, "velocity flags")
        _flag_velocities(state, quality, evidence)
        progress(0.4, "label flags")
        _flag_labels(state, quality, evidence)
        progress(0.8, "distance and orbit flags")
        _flag_space(state, quality, evidence)
    state.table = state.table.assign(quality=quality, oddness=oddness(*evidence) if evidence else np.full(n, np.nan))
    if "in_training" not in state.table:
        state.table = state.table.assign(in_training=False)
    return int((quality == 0).sum())


def _saved(state: BuildState, name: str) -> NDArray[np.bool_]:
    """A boolean array of an earlier stage, all False when that stage was skipped."""
    if (state.work / "arrays" / f"{name}.npy").is_file():
        return np.array(state.array(name))
    return np.zeros(len(state.table), bool)


def _flag_spectra(state: BuildState, quality: NDArray[np.int32], evidence: list[NDArray[np.float64]]) -> None:
    raise_bit(quality, QualityFlag.LOW_SNR, state.column("snr_good") < LOW_SNR)
    masked = state.column("masked_fraction")
    raise_bit(quality, QualityFlag.MASKED, masked > MASKED_LIMIT)
    evidence.append(masked)


def _flag_velocities(state: BuildState, quality: NDArray[np.int32], evidence: list[NDArray[np.float64]]) -> None:
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
    evidence += [-peak, rival, lines, difference / sigma]


def _flag_labels(state: BuildState, quality: NDArray[np.int32], evidence: list[NDArray[np.float64]]) -> None:
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
    odd = (correlated > tail_limit(correlated[training])) | (worst > tail_limit(worst[training]))
    raise_bit(quality, QualityFlag.RESIDUALS, odd)
    raise_bit(quality, QualityFlag.COLOUR_OUTLIER, deviation > COLOUR_SIGMA)
    evidence += [chi2_nu, correlated, worst, deviation]


def _flag_space(state: BuildState, quality: NDArray[np.int32], evidence: list[NDArray[np.float64]]) -> None:
    if "distance_roots" in state.table:
        roots = state.column("distance_roots")
        m_h = np.array(state.array("distance_m_h"))
        outside = (m_h < CALIBRATED_M_H[0]) | (m_h > CALIBRATED_M_H[1])
        raise_bit(
            quality,
            QualityFlag.DISTANCE_DOUBTFUL,
            ((roots >= 0) & (roots != 1)) | outside | _saved(state, "distance_conflict"),
        )
        geometric = np.abs(np.log(state.column("distance") / state.column("distance_geo")))
        evidence.append(geometric)
    raise_bit(quality, QualityFlag.UNBOUND, _saved(state, "unbound"))
    raise_bit(quality, QualityFlag.ACTION_FAILURE, _saved(state, "action_failed"))


def write_catalogue(state: BuildState, progress: Progress) -> int:
    """Values outside their declared range become NaN and a reject row's reason; then the contract is enforced."""
    table = state.table[[name for name in state.table.columns if name in BY_NAME]].copy()
    for name in table.columns:
        declared = column(name)
        if not declared.is_float:
            continue
        values = table[name].to_numpy(float, copy=True)
        outside = np.isinf(values)
        if declared.low is not None:
            outside |= values < declared.low
        if declared.high is not None:
            outside |= values > declared.high
        for row in np.flatnonzero(outside):
            state.reject(
                "catalogue",
                str(table["source_file"].iloc[row]) if "source_file" in table else name,
                int(table["obsid"].iloc[row]),
                "value-out-of-range",
                f"{name} = {values[row]:.6g} lies outside {declared.low}..{declared.high}; it is published as missing.",
            )
        values[outside] = np.nan
        table[name] = values
    progress(0.3, "catalogue")
    catalog = Catalog.from_frame(table)
    catalog.write(state.draft, simulated=state.facts["simulated"])
    rejects = pd.DataFrame(state.rejects, columns=list(REJECT_COLUMNS))
    write_rejects(rejects, state.draft, simulated=state.facts["simulated"])
    state.facts["report"]["simulated"] = state.facts["simulated"]
    state.facts["report"] |= comparison(state)
    state.facts["report"]["quality_bits"] = {
        flag.name: int((state.table["quality"].to_numpy() & int(flag) > 0).sum()) for flag in QualityFlag
    }
    (state.draft / REPORT_NAME).write_text(
        json.dumps(state.facts["report"], indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return len(catalog)


def comparison(state: BuildState) -> dict[str, dict[str, float]]:
    """Median and robust scatter of measured against known quantities, for every pair that this build has."""
    report = {}
    for key, measured, known in (
        ("rv against the input's", state.column("rv"), state.column("rv_input")),
        ("rv against Gaia's", state.column("rv"), state.column("rv_gaia")),
        ("distance over geometric", *_relative(state.column("distance"), state.column("distance_geo"))),
        ("distance over the input's", *_relative(state.column("distance"), state.column("distance_input"))),
    ):
        _summarise(report, key, measured - known)
    truth_path = state.draft / TRUTH_NAME
    if truth_path.is_file():
        truth = pd.read_parquet(truth_path).set_index("obsid").reindex(state.table["obsid"])
        for name in ("teff", "logg", "m_h", "alpha_m", "rv"):
            if name in state.table and f"true_{name}" in truth:
                _summarise(report, f"{name} against truth", state.column(name) - truth[f"true_{name}"].to_numpy(float))
        if "true_distance" in truth:
            ratio, one = _relative(state.column("distance"), truth["true_distance"].to_numpy(float))
            _summarise(report, "distance over truth", ratio - one)
    return report


def _relative(measured: NDArray[np.float64], known: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known > 0, measured / known, np.nan), 1.0


def _summarise(report: dict[str, dict[str, float]], key: str, difference: NDArray[np.float64]) -> None:
    values = difference[np.isfinite(difference)]
    if values.size < 2:
        return
    low, middle, high = np.percentile(values, [16, 50, 84])
    report[key] = {
        "stars": int(values.size),
        "median": float(middle),
        "robust_scatter": robust_scatter(values),
        "p16": float(low),
        "p84": float(high),
    }
