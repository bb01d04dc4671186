"""What repeats and reference velocities say of the measured ones: errors, zero points, and what is applied of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.columns import names_at
from pipeline.science.velocity.errors import Corrections, ErrorModel, repeat_errors
from pipeline.science.velocity.repeats import repeat_statistics
from pipeline.science.velocity.zero_points import MIN_STARS, velocity_zero_points
from pipeline.stages.internal import RV_SHIFTED
from pipeline.stages.state import BuildState

FloatArray = NDArray[np.float64]
TextArray = NDArray[np.str_]

LINE_NAMES = names_at("line")

REFERENCE = {"gaia": "rv_gaia", "reference": "rv_ref", "header": "rv_input"}
"""Column of each kind of reference velocity, the best first."""


def observing_groups(state: BuildState) -> dict[str, TextArray]:
    """Groups of the stars by night, plate and spectrograph, "" where unknown; each within the one before it."""
    night = state.integers("lmjd")
    nights = np.where(night > 0, night.astype(str), "")
    plate, number = state.words("plan_id"), state.integers("spectrograph_id")
    plates = np.where(plate != "", np.char.strip(np.char.add(np.char.add(nights, " "), plate)), "")
    spectrographs = np.where(number > 0, np.char.add("spectrograph ", number.astype(str)), "")
    both = np.char.add(np.char.add(plates, " "), spectrographs)
    return {
        "night": nights,
        "plate": plates,
        "plate and spectrograph": np.where((plates != "") & (spectrographs != ""), both, ""),
        "spectrograph": spectrographs,
    }


def zero_point_levels(state: BuildState, finest: str) -> list[tuple[str, TextArray]]:
    """Levels down to the configured one, the widest first."""
    groups = observing_groups(state)
    names: tuple[str, ...] = (
        ("spectrograph",) if finest == "spectrograph" else ("night", "plate", "plate and spectrograph")
    )
    names = names[: names.index(finest) + 1]
    return [(name, groups[name]) for name in names if (groups[name] != "").any()]


def template_velocity(state: BuildState) -> FloatArray:
    """Reference velocities that place template stars at rest; NaN where the reference's flags mark it as bad."""
    kind = state.config.velocity.reference
    gaia, reference = state.column("rv_gaia"), state.reference_velocity()
    if kind == "best":
        return np.where(np.isfinite(gaia), gaia, reference)
    return gaia if kind == "gaia" else reference


def zero_point_reference(state: BuildState) -> tuple[FloatArray, dict[str, int]]:
    """Velocities that zero points are measured against, and of how many stars each kind is.

    The best is Gaia's, else the reference's, else that of the spectrum's header. The latter two are first brought to
    the zero point of the better ones by the median difference of the stars that have both, when there are enough.
    """
    kind = state.config.velocity.reference
    if kind != "best":
        values = template_velocity(state)
        return values, {REFERENCE[kind]: int(np.isfinite(values).sum())}
    found = np.full(len(state), np.nan)
    counts = {}
    for name in REFERENCE.values():
        values = state.reference_velocity() if name == "rv_ref" else state.column(name)
        apart = (values - found)[np.isfinite(values) & np.isfinite(found)]
        shift = float(np.median(apart)) if apart.size >= MIN_STARS else 0.0
        new = np.isnan(found) & np.isfinite(values)
        found = np.where(new, values - shift, found)
        if new.any():
            counts[name] = int(new.sum())
    return found, counts


def scaled_errors(
    state: BuildState, report: str, rv: FloatArray, formal: FloatArray, corrections: Corrections | None = None
) -> FloatArray:
    """Formal errors scaled by what repeats show, with those of the corrections; the report has scale and floor.

    Parameters
    ----------
    state : BuildState
        Gives the stars' numbers; gets the report.
    report : str
        Entry of the report.
    rv, formal : ndarray, shape (n,)
        km/s; NaN where nothing was measured.
    corrections : Corrections, optional
        Zero points that were subtracted from ``rv``.
    """
    star = state.integers("star")
    statistics = repeat_statistics(star, rv, formal)
    model = repeat_errors(star, rv, formal, corrections) if state.config.velocity.scale_errors else ErrorModel()
    errors = model.apply(formal)
    if corrections is not None:
        errors = np.hypot(errors, corrections.error)
    told: dict[str, float] = {**statistics, "error_scale": model.scale, "error_floor_kms": model.floor_kms}
    if model.pairs:
        told["scaled_pull_scatter"] = repeat_statistics(star, rv, errors)["pull_scatter"]
    state.facts["report"][report] = told
    return errors


def report_velocities(state: BuildState, rv: FloatArray, formal: FloatArray) -> None:
    """Measure zero points by group, subtract them only when asked, and scale the errors by repeats.

    The repeats are those of the published velocities: where zero points are subtracted, what these differ by between
    two observations of a star is no error any more.

    Parameters
    ----------
    state : BuildState
        Has the measured velocities; gets errors, offsets and the report.
    rv, formal : ndarray, shape (n,)
        Measured velocities and formal errors, km/s; NaN where nothing was measured.
    """
    config = state.config.velocity
    reference, counts = zero_point_reference(state)
    points = velocity_zero_points(rv, formal, reference, zero_point_levels(state, config.zero_point_group))
    corrected = config.apply_zero_points and len(points.table) > 0
    error = scaled_errors(state, "rv_red_repeats" if corrected else "rv_repeats", rv, formal)
    state.give(rv_formal_err=formal, rv_err=error, rv_red_err=error)
    state.keep(RV_SHIFTED, points.shifted & ~np.full(len(state), config.apply_zero_points))
    if not len(points.table):
        return
    levels, stars = np.unique(points.level, return_counts=True)
    state.facts["report"]["rv_zero_points"] = {
        "by": config.zero_point_group,
        "reference": ", ".join(counts),
        "reference_stars": counts,
        "applied": config.apply_zero_points,
        "stars_by_level": dict(zip(levels.tolist(), stars.tolist(), strict=True)),
        "groups": points.table.to_dict("records"),
    }
    state.give(rv_offset=points.offset, rv_offset_err=points.error)
    if corrected:
        corrections = Corrections(points.offset, points.error)
        error = scaled_errors(state, "rv_repeats", rv - points.offset, formal, corrections)
        lines = {name: state.column(name) - points.offset for name in LINE_NAMES}
        state.give({"rv": rv - points.offset, "rv_err": error, **lines}, rv_zero_point=points.offset)
