"""Stage "catalogue": comparison with references, and the product directory."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.checks import REPORT_KEY
from pipeline.domain.columns import BY_NAME
from pipeline.domain.flags import QualityFlag
from pipeline.domain.statistics import robust_scatter
from pipeline.products.catalog import REJECT_COLUMNS, REJECTS_NAME, Catalog, write_rejects
from pipeline.products.catalog_file import CATALOG_NAME
from pipeline.products.product import REPORT_NAME, TRUTH_NAME
from pipeline.stages.declared import Stage
from pipeline.stages.items import Files, InputColumns
from pipeline.stages.physics import checked_against_physics
from pipeline.stages.ranges import within_ranges
from pipeline.stages.spatial import draw_spiral_arms
from pipeline.stages.state import BuildState, Progress


def write_catalogue(state: BuildState, progress: Progress) -> int:
    """Write catalogue and report; values outside their range become missing, with a reason."""
    declared = [name for name in state.table.columns if name in BY_NAME]
    table = state.table[[*declared, *(item.name for item in state.own)]]
    table = table.assign(**within_ranges(state, "catalogue", declared))
    progress(0.3, "catalogue")
    draw_spiral_arms(state)
    catalog = Catalog.from_frame(table, state.own)
    catalog.write(state.draft, simulated=state.facts["simulated"], identity=state.identity())
    rejects = pd.DataFrame(state.rejects, columns=list(REJECT_COLUMNS))
    write_rejects(rejects, state.draft, simulated=state.facts["simulated"])
    state.facts["report"]["simulated"] = state.facts["simulated"]
    state.facts["report"] |= comparison(state)
    state.facts["report"][REPORT_KEY] = checked_against_physics(catalog.table, state)
    state.facts["report"]["quality_bits"] = {
        flag.name: int((state.table["quality"].to_numpy() & int(flag) > 0).sum()) for flag in QualityFlag
    }
    (state.draft / REPORT_NAME).write_text(
        json.dumps(state.facts["report"], indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return len(catalog)


def comparison(state: BuildState) -> dict[str, dict[str, float]]:
    """Median and robust scatter of measured minus reference values, for all available pairs."""
    report: dict[str, dict[str, float]] = {}
    distance, origin = state.column("distance"), state.words("distance_from")
    for key, measured, known in (
        ("rv against the input's", state.column("rv"), state.column("rv_input")),
        ("rv against Gaia's", state.column("rv"), state.column("rv_gaia")),
        ("rv against the reference's", state.column("rv"), state.reference_velocity()),
        ("distance over geometric", *_relative(distance, _other(state, "distance_geo", origin == "geometric"))),
        ("distance over the input's", *_relative(distance, _other(state, "distance_input", origin == "input"))),
    ):
        _summarise(report, key, measured - known)
    truth_path = state.draft / TRUTH_NAME
    if truth_path.is_file():
        truth = pd.read_parquet(truth_path).set_index("obsid").reindex(state.table["obsid"])
        for name in ("teff", "logg", "m_h", "alpha_m", "rv"):
            if state.has_column(name) and f"true_{name}" in truth:
                _summarise(report, f"{name} against truth", state.column(name) - truth[f"true_{name}"].to_numpy(float))
        if "true_distance" in truth:
            ratio, item = _relative(state.column("distance"), truth["true_distance"].to_numpy(float))
            _summarise(report, "distance over truth", ratio - item)
    return report


def _other(state: BuildState, name: str, same: NDArray[np.bool_]) -> NDArray[np.float64]:
    """A column of reference distances; NaN if the catalogue's own are from it."""
    return np.where(same, np.nan, state.column(name))


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


CATALOGUE = Stage(
    *("catalogue", write_catalogue, 2, ("kinematics",)),
    optional=(InputColumns(),),
    gives=(Files(CATALOG_NAME, REJECTS_NAME, REPORT_NAME, "overlays/spiral_arms.parquet"),),
)
