"""Stage "catalogue": comparison with what is known, and the product directory."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.columns import BY_NAME, column
from pipeline.domain.flags import QualityFlag
from pipeline.domain.statistics import robust_scatter
from pipeline.products.catalog import REJECT_COLUMNS, Catalog, write_rejects
from pipeline.products.release import REPORT_NAME, TRUTH_NAME
from pipeline.stages.state import BuildState, Progress


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
