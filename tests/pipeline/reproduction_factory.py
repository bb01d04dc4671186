"""Invented products with every column that a statement of the paper needs, or without some of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.domain.own_columns import own_column
from pipeline.products.catalog import REJECT_COLUMNS, Catalog, write_rejects
from pipeline.products.manifest import Manifest, checksums
from pipeline.products.overlays import write_overlay
from pipeline.products.product import REPORT_NAME

OFFICIAL = "dr9_mstars.fits"
STAGES = ("read", "rv", "labels", "distance", "phase space")
CONFIGURATION = {
    "labels": {
        "min_snr": 50.0,
        "max_teff_error_k": 20.0,
        "max_logg_error_dex": 0.1,
        "max_m_h_error_dex": 0.1,
        "max_alpha_m_error_dex": 0.05,
        "folds": 10,
    },
    "velocity": {
        "first_angstrom": 8000.0,
        "last_angstrom": 8950.0,
        "apply_zero_points": False,
        "templates": "synthetic",
    },
    "distance": {"parallax": False, "ages": "single", "isochrone_age_gyr": 3.0, "dust_relative_error": 0.3},
    "kinematics": {"frame": "paper"},
}


def invented_stars(n: int = 3000, seed: int = 4) -> pd.DataFrame:
    """Stars with labels, velocities and distances that scatter about their references as in the paper, and gaps."""
    rng = np.random.default_rng(seed)
    snr = rng.lognormal(4.1, 0.8, n)
    frame = pd.DataFrame({"obsid": 1000 + np.arange(n), "gaia_source_id": 5000 + np.arange(n), "snr": snr})
    labels = {"teff": (3800.0, 150.0, 57.0), "logg": (0.9, 0.4, 0.25), "m_h": (-0.3, 0.3, 0.16)}
    labels["alpha_m"] = (0.1, 0.08, 0.06)
    for name, (middle, spread, scatter) in labels.items():
        true = rng.normal(middle, spread, n)
        frame[f"{name}_ref"] = true
        frame[name] = true + scatter * rng.standard_normal(n) * np.where(snr < 50, 2.0, 1.0)
        frame[f"{name}_err"] = scatter
        frame[f"{name}_ref_err"] = rng.uniform(0.2, 1.1, n) * {"teff": 20.0, "alpha_m": 0.05}.get(name, 0.1)
    frame["label_reason"] = np.where(rng.random(n) < 0.02, "", "out of fold: chi2")
    frame["in_training"] = (snr > 50) & (rng.random(n) < 0.8)
    frame["snr_ref"] = rng.uniform(20, 300, n)
    frame["ref_bad"] = rng.random(n) < 0.03
    velocity = rng.normal(0, 60, n)
    frame["rv"] = velocity + 1.0 + 4.6 * rng.standard_normal(n)
    frame["rv_err"] = 4.6
    frame["rv_gaia"], frame["rv_gaia_err"] = velocity, 0.3
    frame["rv_ref"], frame["rv_ref_err"] = velocity + 0.1 * rng.standard_normal(n), 0.1
    frame["distance_geo"] = rng.uniform(0.5, 8.0, n)
    frame["distance"] = frame["distance_geo"] * np.exp(0.24 * rng.standard_normal(n))
    frame["distance_16"], frame["distance_84"] = 0.78 * frame["distance"], 1.28 * frame["distance"]
    error = rng.uniform(0.01, 0.09, n) * frame["distance_geo"]
    frame["distance_geo_16"], frame["distance_geo_84"] = frame["distance_geo"] - error, frame["distance_geo"] + error
    frame["distance_from"] = np.where(rng.random(n) < 0.05, "parallax", "photometric")
    for name, spread in (
        ("x_helio", 4),
        ("x_gal", 4),
        ("y_gal", 4),
        ("v_phi", 20),
        ("z_gal", 3),
        ("v_x", 90),
        ("v_y", 90),
        ("v_z", 40),
        ("v_r", 40),
    ):
        frame[name] = rng.normal(0, spread, n)
    frame["r_gal"] = np.hypot(frame["x_helio"] - 8.34, frame["y_gal"])
    frame["j_phi"], frame["j_z"] = rng.normal(1800, 300, n), rng.gamma(2, 20, n)
    frame["j_tot"] = np.hypot(frame["j_phi"], frame["j_z"])
    frame["sgr_lambda"], frame["sgr_beta"] = rng.uniform(0, 360, n), rng.normal(0, 20, n)
    frame["ra"], frame["dec"] = rng.uniform(0, 360, n), rng.uniform(-10, 60, n)
    frame["selected"], frame["quality"] = rng.random(n) < 0.9, np.zeros(n, np.int32)
    reasons = np.where(rng.random(n) < 0.5, "not kept: no data to classify", "dropped by M type: TiO5 of 0.92 or more")
    frame["selection"] = np.where(frame["selected"], "kept: M type", reasons)
    for name, fraction in (("teff_ref", 0.3), ("alpha_m_ref", 0.02), ("rv_gaia", 0.2), ("rv_ref", 0.5), ("rv", 0.02)):
        frame.loc[rng.random(n) < fraction, name] = np.nan
    frame["official"] = np.where(rng.random(n) < 0.6, "obsid", "")
    frame["official_m_h"] = rng.choice([-1.0, 0.0, -0.3, np.nan], n)
    frame["official_teff"], frame["official_logg"] = rng.normal(3800, 200, n), rng.normal(1.5, 1.0, n)
    return frame


def write_product(
    directory: Path,
    frame: pd.DataFrame,
    *,
    simulated: bool = False,
    configuration: dict | None = None,
    stages: tuple[str, ...] = STAGES,
) -> Path:
    """Write a product of some stars; columns named ``official...`` become those of LAMOST's M-star catalogue."""
    directory.mkdir(parents=True)
    own = []
    for name, dtype, label in (
        ("official", "str", "dr9_mstars match"),
        *((f"official_{label}", "float32", label) for label in ("m_h", "teff", "logg")),
    ):
        if name in frame:
            column = own_column(label, dtype, "", "", "", OFFICIAL, {item.name for item in own})
            frame = frame.rename(columns={name: column.name})
            own.append(column)
    Catalog.from_frame(frame, own).write(directory, simulated=simulated)
    write_rejects(pd.DataFrame(columns=list(REJECT_COLUMNS)), directory)
    arms = pd.DataFrame({"arm": [f"arm {n}" for n in range(5) for _ in range(3)], "x_gal": 1.0, "y_gal": 2.0})
    write_overlay(directory, "spiral_arms", arms)
    (directory / REPORT_NAME).write_text(json.dumps({"invented": True}), "utf-8")
    Manifest(
        name="invented",
        simulated=simulated,
        simulated_note="Every star is invented." if simulated else "",
        configuration=CONFIGURATION if configuration is None else configuration,
        inputs={},
        choices={},
        stages=tuple({"name": name, "status": "done", "reason": ""} for name in stages),
        tables=({"file": OFFICIAL, "schema": "LAMOST M-star catalogue (LRS_mstellar)"},),
        files=checksums(directory),
    ).write(directory)
    return directory
