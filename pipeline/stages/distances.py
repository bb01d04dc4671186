"""Stage "distance": Galactic coordinates, distances with quantiles, extinction, de-reddened colours."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.frames import equatorial_to_galactic
from pipeline.products.manifest import file_sha256
from pipeline.products.overlays import OVERLAY_COLUMNS, write_overlay
from pipeline.science.ages import ChemicalAge, SingleAge
from pipeline.science.distance import DistanceSettings, Giants, estimate_distances
from pipeline.science.dust import DustMap, ExponentialDisc
from pipeline.science.intrinsic_colour import learn_colour_relation
from pipeline.science.isochrones import AbsoluteMagnitude, ClusterLine, ColourLaw, ParsecBranches
from pipeline.sources.dust_maps import open_dust_map
from pipeline.sources.embedded import ISOCHRONE_TABLE, load_table
from pipeline.sources.isochrone_tables import read_isochrones
from pipeline.stages.reading import data_path, download_folder
from pipeline.stages.state import BuildState, Progress, StageSkipped

FloatArray = NDArray[np.float64]

BEHIND_DUST_KPC = 20.0
CLEAR_MAG = 0.02
"""A star is in the clear when the dust map's error over the whole sightline moves J - Ks by less than this."""


def configured_dust(state: BuildState) -> DustMap:
    """The dust map that the configuration names; a real one is among the inputs of the build."""
    config = state.config.distance
    if config.dust == "exponential-disc":
        return ExponentialDisc()
    dust = open_dust_map(config.dust, data_path(state, config.dust_file) if config.dust_file else download_folder())
    state.facts["inputs"] |= {path.name: file_sha256(path) for path in dust.files}
    return dust


def measure_distances(state: BuildState, progress: Progress) -> int:
    """Galactic coordinates, distances with quantiles, extinction, de-reddened colours."""
    config = state.config.distance
    glon, glat = equatorial_to_galactic(state.column("ra"), state.column("dec"))
    state.table = state.table.assign(glon=glon, glat=glat)
    j_mag, k_mag = state.column("j_mag"), state.column("k_mag")
    usable = np.isfinite(j_mag) & np.isfinite(k_mag) & np.isfinite(glon)
    if not usable.any():
        raise StageSkipped("no star has J and Ks magnitudes")
    table = _isochrones(state)
    calibrations: dict[str, AbsoluteMagnitude] = {
        "parsec": ParsecBranches(table),
        "colour-law": ColourLaw(),
        "cluster-line": ClusterLine(),
    }
    calibration = calibrations[config.calibration]
    dust = configured_dust(state)
    m_h, m_h_err = state.column("m_h"), state.column("m_h_err")
    given = state.column("m_h_input")
    m_h_err = np.where(np.isfinite(m_h), m_h_err, np.where(np.isfinite(given), 0.15, config.default_m_h_error_dex))
    m_h = np.where(np.isfinite(m_h), m_h, np.where(np.isfinite(given), given, config.default_m_h))
    errors = [
        np.where(np.isfinite(state.column(name)), state.column(name), config.default_magnitude_error_mag)
        for name in ("j_mag_err", "k_mag_err")
    ]
    rows = np.flatnonzero(usable)
    progress(0.0, "distances")
    giants = Giants(
        glon,
        glat,
        *(j_mag, errors[0], k_mag, errors[1], m_h, m_h_err),
        state.column("alpha_m"),
        state.column("alpha_m_err"),
        *_spectral_colours(state, dust, j_mag - k_mag, np.hypot(np.hypot(*errors), config.colour_scatter_mag)),
        state.table["obsid"].to_numpy(np.int64),
    ).take(rows)
    ages = ChemicalAge() if config.ages == "chemistry" else SingleAge(config.isochrone_age_gyr)
    found = estimate_distances(
        giants,
        calibration,
        ages,
        dust,
        DistanceSettings(config.draws, config.dust_relative_error, config.colour_scatter_mag, state.config.input.seed),
        progress=lambda fraction: progress(fraction, "distances"),
    )
    columns = {
        name: np.full(len(state.table), np.nan)
        for name in ("distance", "distance_16", "distance_84", "k_abs", "a_k", "e_jk", "e_jk_map")
    }
    values = (found.median_kpc, found.low_kpc, found.high_kpc, found.k_abs, found.a_k, found.e_jk, found.e_jk_map)
    for name, value in zip(columns, values, strict=True):
        columns[name][rows] = value
    conflict = np.zeros(len(state.table), bool)
    conflict[rows] = found.conflict
    roots = np.full(len(state.table), -1, np.int16)
    roots[rows] = found.roots
    jk = j_mag - k_mag
    state.table = state.table.assign(
        **columns, distance_roots=roots, jk=jk, jk0=jk - columns["e_jk"], k0_mag=k_mag - columns["a_k"]
    )
    state.save_array("distance_m_h", m_h)
    state.save_array("distance_conflict", conflict)
    state.facts["choices"] |= {"distance calibration": calibration.name, "dust map": dust.name}
    if config.calibration == "parsec":
        state.facts["choices"]["ages"] = ages.name
    reach = dust.reach_kpc(glon[rows], glat[rows])
    state.facts["report"]["dust"] = {
        "outside_the_map": int(np.isnan(reach).sum()),
        "beyond_its_reach": int((found.median_kpc > reach).sum()),
    }
    write_overlay(state.draft, "isochrones", _isochrone_overlay(table, config.isochrone_age_gyr))
    return int(np.isfinite(columns["distance"]).sum())


def _spectral_colours(state: BuildState, dust: DustMap, jk: FloatArray, jk_err: FloatArray) -> tuple[FloatArray, ...]:
    """(J - Ks)0 that the labels tell, and its error, from a relation learned where dust hardly matters; else NaN."""
    nothing = np.full(len(jk), np.nan), np.full(len(jk), np.nan)
    if not state.config.distance.spectral_colour or "teff" not in state.table:
        return nothing
    to_jk = dust.coefficients["J"] - dust.coefficients["Ks"]
    through = to_jk * dust.reddening(state.column("glon"), state.column("glat"), np.full(len(jk), BEHIND_DUST_KPC))
    clear = through * state.config.distance.dust_relative_error < CLEAR_MAG
    labels = [state.column(name) for name in ("teff", "teff_err", "logg", "m_h")]
    jk_err = np.hypot(jk_err, state.config.distance.dust_relative_error * through)
    relation = learn_colour_relation(*(values[clear] for values in (*labels, jk - through, jk_err)))
    if relation is None:
        state.facts["choices"]["colour from the spectrum"] = f"not used: {clear.sum()} stars in the clear are too few"
        return nothing
    teff, teff_err, logg, m_h = labels
    state.facts["choices"]["colour from the spectrum"] = (
        f"(J - Ks)0 of Teff, log g and [M/H], learned from {relation.stars} stars in the clear; it weights the "
        f"draws of dust and photometry; spread {1000 * relation.scatter_mag:.0f} mmag"
    )
    return relation.colour(teff, logg, m_h), relation.error(teff, teff_err)


def _isochrones(state: BuildState) -> dict[str, np.ndarray]:
    """The branches that the configuration names, else the embedded ones."""
    paths = [data_path(state, name) for name in state.config.distance.isochrones]
    if not paths:
        return load_table(ISOCHRONE_TABLE)
    table = read_isochrones(paths)
    state.facts["inputs"] |= {path.name: file_sha256(path) for path in paths}
    state.facts["choices"]["isochrones"] = ", ".join(path.name for path in paths)
    return table


def _isochrone_overlay(table: dict[str, np.ndarray], age_gyr: float) -> pd.DataFrame:
    """The branches of one age for [M/H] from -0.7 up."""
    age = ParsecBranches(table).nearest_age(age_gyr)
    keep = np.isclose(table["age_gyr"], age) & (table["m_h"] > -0.8)
    return pd.DataFrame({name: table[name][keep].astype(float) for name in OVERLAY_COLUMNS["isochrones"]})
