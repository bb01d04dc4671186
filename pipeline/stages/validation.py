"""Comparison of a simulated catalogue with its truth: quantities, intervals, stream, oddities."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.columns import BY_NAME, QUANTILE_OF
from pipeline.domain.flags import QualityFlag
from pipeline.domain.frames import (
    CARTESIAN,
    SPEED,
    SolarFrame,
    configured_frame,
    cylindrical,
    equatorial_to_galactic,
    galactocentric_phase_space,
    line_of_sight_gsr,
)
from pipeline.mock.photometry import PARALLAX_ZERO_POINT_MAS
from pipeline.products.manifest import ProductError
from pipeline.products.product import TRUTH_NAME, Products, publish_validation
from pipeline.science.quality.scoring import interval_coverage, score_choice, score_ranking, score_values
from pipeline.science.space.actions import compute_orbits
from pipeline.science.space.dust import BAND_COEFFICIENTS
from pipeline.science.stream.membership import MEMBER_THRESHOLD

FloatArray = NDArray[np.float64]
Scores = dict[str, dict[str, Any]]

STREAM_COMPONENT = "sagittarius"
VETTED_SHARE = 0.01
RELATIVE = ("distance",)
"""Quantities whose difference is a fraction of the true value."""

_GIVEN = ("star", "ra", "dec")


def validate(directory: Path) -> dict[str, Any]:
    """Compare a simulated catalogue with its true values, and publish the result.

    Quantities and intervals are judged on ordinary M giants; the stream, bits and oddness on all.

    Parameters
    ----------
    directory : Path
        Product directory with a truth file.

    Returns
    -------
    dict
        ``stars``; ``quantities`` and ``intervals`` by column; ``stream``; ``bits``: for each quality bit, stars that
        carry it, share of them that is odd, and share of the ordinary stars and of each oddity that it marks;
        ``oddness``: the ranking of all oddities together and of each kind against ordinary stars.

    Raises
    ------
    ProductError
        If the directory holds no truth.
    """
    products = Products.open(directory)
    path, result = directory / TRUTH_NAME, products.truth
    if result is None:
        raise ProductError(f"{directory} has no {TRUTH_NAME}: only a simulated catalogue can be validated.")
    table = products.catalog.table
    truth = result.reindex(table["obsid"]).reset_index()
    missing = int(truth["component"].isna().sum())
    if missing:
        raise ProductError(f"{path} does not know {missing} rows of the catalogue. Build the products again.")
    odd = truth["oddity"].to_numpy(str)
    ordinary = (odd == "") & (truth["kind"] == "M giant").to_numpy()
    known = _true_values(truth, products.manifest.configuration.get("kinematics", {}))
    document = {
        "simulated": True,
        "stars": _counts(truth, odd),
        "quantities": _quantities(table[ordinary], {name: values[ordinary] for name, values in known.items()}),
        "intervals": _intervals(table[ordinary], {name: values[ordinary] for name, values in known.items()}),
        "stream": _stream(table, truth),
        "bits": _bits(table, odd),
        "oddness": _oddness(table, odd),
    }
    publish_validation(directory, products.directory, document)
    return document


def _true_values(truth: pd.DataFrame, kinematics: Mapping[str, Any]) -> dict[str, FloatArray]:
    """True values under catalogue names: simulated ones, and those derived from the true 6D."""
    known = {
        name.removeprefix("true_"): truth[name].to_numpy(float)
        for name in truth.columns
        if name.startswith("true_") and name.removeprefix("true_") in BY_NAME
    }
    per_ebv = BAND_COEFFICIENTS["J"] - BAND_COEFFICIENTS["Ks"]
    known["e_jk"] = per_ebv * truth["true_ebv"].to_numpy(float)
    for name in ("teff", "logg", "m_h", "alpha_m"):
        known[f"{name}_ref"] = known[name]
    known["rv_gaia"] = known["rv"]
    known["distance_geo"] = known["distance"]
    known["parallax"] = known["parallax"] + PARALLAX_ZERO_POINT_MAS  # as Gaia publishes it
    frame = configured_frame(kinematics.get("frame", "paper"), kinematics.get("custom_frame", {}))
    orbits = _true_orbits(known, truth, frame, kinematics.get("potential", "MWPotential2014"))
    # Motion in the Galaxy is that of a binary's centre of mass; a spectrum shows the giant's own at that night.
    if "true_rv_orbit" in truth:  # products of earlier versions have no companions
        known["rv"] = known["rv"] + truth["true_rv_orbit"].to_numpy(float)
    return known | orbits


def _true_orbits(
    known: Mapping[str, FloatArray], truth: pd.DataFrame, frame: SolarFrame, potential: str
) -> dict[str, FloatArray]:
    """True position, motion and orbit in the catalogue's frame and potential."""
    names = ("ra", "dec", "distance", "pmra", "pmdec", "rv")
    ra, dec, distance, pmra, pmdec, rv = (truth[f"true_{name}"].to_numpy(float) for name in names)
    position, velocity = galactocentric_phase_space(ra, dec, distance, pmra, pmdec, rv, frame)
    radius, v_r, v_phi = cylindrical(position, velocity)
    place = dict(zip(CARTESIAN, position.T, strict=True))
    motion = dict(zip(SPEED, velocity.T, strict=True))
    glon, glat = equatorial_to_galactic(truth["true_ra"].to_numpy(float), truth["true_dec"].to_numpy(float))
    orbits = compute_orbits(position, velocity, frame, potential)
    gsr = line_of_sight_gsr(known["rv"], glon, glat, frame)
    return orbits.columns() | place | motion | {"r_gal": radius, "v_r": v_r, "v_phi": v_phi, "v_gsr": gsr}


def _counts(truth: pd.DataFrame, odd: NDArray[np.str_]) -> dict[str, dict[str, int]]:
    def counted(values: pd.Series) -> dict[str, int]:
        return {str(name): int(count) for name, count in values.value_counts().items() if name}

    return {
        "component": counted(truth["component"]),
        "kind": counted(truth["kind"]),
        "oddity": counted(pd.Series(odd)),
    }


def _stated_error(table: pd.DataFrame, name: str) -> FloatArray | None:
    """The column's error, or half its interval."""
    if f"{name}_err" in table:
        return table[f"{name}_err"].to_numpy(float)
    if f"{name}_16" in table:
        return 0.5 * (table[f"{name}_84"] - table[f"{name}_16"]).to_numpy(float)
    return None


def _quantities(table: pd.DataFrame, known: Mapping[str, FloatArray]) -> Scores:
    result = {}
    for name, true in known.items():
        if name not in table or name in _GIVEN:
            continue
        unit = true if name in RELATIVE else np.ones(len(true))
        error = _stated_error(table, name)
        scored = score_values(table[name].to_numpy(float) / unit, true / unit, None if error is None else error / unit)
        if scored["stars"]:
            result[name] = {"unit": "relative" if name in RELATIVE else BY_NAME[name].unit, **scored}
    return result


def _intervals(table: pd.DataFrame, known: Mapping[str, FloatArray]) -> Scores:
    result = {}
    for name in (*QUANTILE_OF, "distance"):
        if f"{name}_16" in table and name in known:
            low, high = (table[f"{name}_{percent}"].to_numpy(float) for percent in (16, 84))
            covered = interval_coverage(low, high, known[name])
            if covered["stars"]:
                result[name] = covered
    return result


def _stream(table: pd.DataFrame, truth: pd.DataFrame) -> dict[str, float | str]:
    if "sgr_probability" not in table:
        return {"reason": "the catalogue has no membership probability"}
    members = (truth["component"] == STREAM_COMPONENT).to_numpy()
    probability = table["sgr_probability"].to_numpy(float)
    chosen = score_choice(np.nan_to_num(probability) > MEMBER_THRESHOLD, members)
    return {"threshold": MEMBER_THRESHOLD, **chosen, "auc": score_ranking(probability, members)["auc"]}


def _bits(table: pd.DataFrame, odd: NDArray[np.str_]) -> Scores:
    quality = table["quality"].to_numpy()
    kinds = ["", *sorted(set(odd) - {""})]
    result = {}
    for flag in QualityFlag:
        raised = (quality & int(flag)) > 0
        result[flag.name or str(int(flag))] = {
            "flagged": int(raised.sum()),
            "purity": float(np.mean(odd[raised] != "")) if raised.any() else float("nan"),
            "completeness": {kind or "ordinary": float(np.mean(raised[odd == kind])) for kind in kinds},
        }
    return result


def _oddness(table: pd.DataFrame, odd: NDArray[np.str_]) -> dict[str, Any]:
    if "oddness" not in table or not (odd != "").any():
        return {}
    score = table["oddness"].to_numpy(float)
    ranked = np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable")
    first = set(ranked[: max(1, round(VETTED_SHARE * score.size))])
    by_kind = {}
    for kind in sorted(set(odd) - {""}):
        compared = (odd == kind) | (odd == "")
        ranking = score_ranking(score[compared], odd[compared] == kind)
        result = sum(row in first for row in np.flatnonzero(odd == kind))
        by_kind[kind] = {"stars": ranking["stars"], "auc": ranking["auc"], "found": result}
    return {"vetted_share": VETTED_SHARE, "all": score_ranking(score, odd != "", VETTED_SHARE), "kinds": by_kind}


def format_validation(document: Mapping[str, Any]) -> str:
    """Format the validation as tables for a terminal."""
    head = f"{'quantity':<14}{'unit':>9}{'stars':>8}{'bias':>10}{'scatter':>10}"
    lines = [f"{head}{'pull':>8}{'width':>7}{'in 1σ':>8}{'in 2σ':>8}"]
    for name, scored in document["quantities"].items():
        row = f"{name:<14}{scored['unit']:>9}{scored['stars']:>8}{scored['bias']:>+10.3g}{scored['scatter']:>10.3g}"
        if "pull_bias" in scored:
            row += f"{scored['pull_bias']:>+8.2f}{scored['pull_scatter']:>7.2f}"
            row += f"{100 * scored['within_1_sigma']:>7.0f}%{100 * scored['within_2_sigma']:>7.0f}%"
        lines.append(row)
    lines += ["", "16-84 % interval: true value below, within, above"]
    lines += [
        f"{name:<14}{scored['stars']:>8}{100 * scored['below']:>7.0f}%{100 * scored['within']:>7.0f}%"
        f"{100 * scored['above']:>7.0f}%"
        for name, scored in document["intervals"].items()
    ]
    lines += ["", _format_stream(document["stream"]), ""]
    lines += [*_format_bits(document["bits"]), "", *_format_oddness(document["oddness"])]
    return "\n".join(lines)


def _format_stream(stream: Mapping[str, Any]) -> str:
    if "reason" in stream:
        return f"Stream: not judged, {stream['reason']}."
    return (
        f"Stream: {stream['real']} members, {stream['chosen']} chosen above {stream['threshold']:g}: completeness "
        f"{100 * stream['completeness']:.0f} %, purity {100 * stream['purity']:.0f} %, area under the ROC curve "
        f"{stream['auc']:.3f}"
    )


def _format_bits(bits: Mapping[str, Mapping[str, Any]]) -> list[str]:
    kinds = list(next(iter(bits.values()))["completeness"])
    head = f"{'share with bit':<18}{'flagged':>9}{'odd':>6}" + "".join(f"{kind[:14]:>16}" for kind in kinds)
    return [head] + [
        f"{name:<18}{bit['flagged']:>9}{_percent(bit['purity']):>6}"
        + "".join(f"{100 * bit['completeness'][kind]:>15.0f}%" for kind in kinds)
        for name, bit in bits.items()
    ]


def _percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.0f}%"


def _format_oddness(oddness: Mapping[str, Any]) -> list[str]:
    if not oddness:
        return ["Oddness: not judged, there is none or nothing is odd."]
    ranking = oddness["all"]
    summary = (
        f"Oddness: area under the ROC curve {ranking['auc']:.3f} for {ranking['stars']} oddities; "
        f"the first {ranking['seen']} rows hold {ranking['found']} of them ({100 * ranking['recall']:.0f} %)"
    )
    return [summary] + [
        f"  {kind:<18}{scored['stars']:>6} stars  {scored['auc']:.3f}  {scored['found']} among the first"
        for kind, scored in oddness["kinds"].items()
    ]
