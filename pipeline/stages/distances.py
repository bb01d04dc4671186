"""Stage "distance": distances with quantiles, extinction, de-reddened colours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.flags import QualityFlag
from pipeline.products.overlays import OVERLAY_COLUMNS, write_overlay
from pipeline.science.space.ages import ChemicalAge, SingleAge
from pipeline.science.space.distance import DistanceEstimate, Giants, estimate_distances
from pipeline.science.space.dust import DustMap, ExponentialDisc
from pipeline.science.space.intrinsic_colour import learn_colour_relation
from pipeline.science.space.isochrones import AbsoluteMagnitude, ClusterLine, ColourLaw, ParsecBranches
from pipeline.science.space.sky_dust import ColumnInDisc
from pipeline.sources.burstein_heiles import CAPTION, find_burstein_heiles, open_burstein_heiles
from pipeline.sources.dust_maps import DustMapError, open_dust_map
from pipeline.sources.embedded import ISOCHRONE_TABLE, load_table
from pipeline.sources.isochrone_tables import read_isochrones
from pipeline.stages.declared import Stage
from pipeline.stages.internal import DISTANCE_CONFLICT, DISTANCE_M_H
from pipeline.stages.items import AnyOf, Columns, Files, Internals, When
from pipeline.stages.paths import data_path, download_folder
from pipeline.stages.state import BuildState, Progress, StageSkipped

FloatArray = NDArray[np.float64]

MIN_PARALLAX_SNR = 10.0
"""Minimum S/N of a parallax whose inverse is a distance, so that its bias is below 1 %."""

RUWE_LIMIT = QualityFlag.ASTROMETRY.limit("ruwe")
"""Maximum RUWE of a parallax that enters a photometric distance."""

BEHIND_DUST_KPC = 20.0
CLEAR_MAG = 0.02
"""Maximum error of J - Ks from the dust map of a sightline for a star to count as unreddened."""


def configured_dust(state: BuildState) -> DustMap:
    """The configured dust map; a real one is an input of the build."""
    config = state.config.distance
    if config.dust in ("exponential-disc", "bh-or-disc", "bh"):
        return _disc_with_column(state)
    folder = data_path(state.config, config.dust_file) if config.dust_file else download_folder()
    dust = open_dust_map(config.dust, folder)
    for path in dust.files:
        state.record_input(path)
    return dust


def _disc_with_column(state: BuildState) -> DustMap:
    """The analytic disc, scaled to Burstein & Heiles if configured; simulated dust has no clouds."""
    config, disc = state.config.distance, ExponentialDisc()
    if config.dust == "exponential-disc" or (config.dust == "bh-or-disc" and state.facts["simulated"]):
        return disc
    path = find_burstein_heiles(data_path(state.config, config.dust_file) if config.dust_file else None)
    if path is None:
        if config.dust == "bh":
            raise DustMapError(
                "The dust map 'bh' needs bh.h5 of the library dustmaps, which is not installed: "
                "pip install -c constraints.txt -e '.[dust]', or set distance.dust_file."
            )
        return disc
    state.record_input(path)
    return ColumnInDisc(CAPTION + disc.name, open_burstein_heiles(path), (path,), disc)


def measure_distances(state: BuildState, progress: Progress) -> int:
    """Measure distances with their origins; photometric ones with extinction and dereddened colours.

    A finished distance that the input brings is kept. Else it is measured from J and Ks; a star without these has the
    input's earlier distance, the geometric one, or the inverse of a significant parallax.
    """
    table = _isochrones(state)
    write_overlay(state.draft, "isochrones", _isochrone_overlay(table, state.config.distance.isochrone_age_gyr))
    distance = _finished(state)
    origin = np.where(np.isfinite(distance), _brought_origin(state), "")
    low, high = (np.where(np.isfinite(distance), _positive(state, f"distance_{q}"), np.nan) for q in (16, 84))
    tried = _has_photometry(state) & ~np.isfinite(distance) & state.config.distance.photometric
    columns: dict[str, NDArray[Any]] = {}
    if tried.any():
        rows = np.flatnonzero(tried)
        result = _measure(state, rows, table, progress)
        distance[rows], low[rows], high[rows] = result.median_kpc, result.low_kpc, result.high_kpc
        origin[rows] = np.where(np.isfinite(result.median_kpc), "photometric", "")
        columns |= _with_extinction(state, rows, result)
    others = ~tried
    for name, (median, lower, upper) in _alternatives(state).items():
        taken = others & ~np.isfinite(distance) & np.isfinite(median)
        distance[taken], low[taken], high[taken] = median[taken], lower[taken], upper[taken]
        origin[taken] = name
    if not tried.any() and not np.isfinite(distance).any():
        raise StageSkipped("distance.photometric is false, and no star has a distance or a significant parallax")
    colour = state.column("j_mag") - state.column("k_mag")
    if np.isfinite(colour).any():
        columns["jk"] = np.where(np.isfinite(colour), colour, state.column("jk"))
    state.give(columns, distance=distance, distance_16=low, distance_84=high, distance_from=origin)
    counts = pd.Series(origin).value_counts()
    state.facts["report"]["distance_from"] = {str(name): int(count) for name, count in counts.items() if name}
    return int(np.isfinite(distance).sum())


def _finished(state: BuildState) -> FloatArray:
    """Finished distances of the input in kpc; values that are not positive are rejected with a reason."""
    result = state.column("distance")
    wrong = np.flatnonzero((result <= 0.0) | np.isinf(result))
    state.reject_rows(
        *("distance", wrong, "value-out-of-range", "distance is not positive"),
        lambda row: f"distance = {result[row]:.6g} kpc is not positive; another is looked for.",
    )
    return _positive(state, "distance")


def _positive(state: BuildState, name: str) -> FloatArray:
    """A column of distances; NaN where a value is not positive."""
    values = state.column(name)
    return np.where((values > 0.0) & np.isfinite(values), values, np.nan)


def _brought_origin(state: BuildState) -> NDArray[np.object_]:
    """Origin of the input's finished distances; "catalogue" if it is not stated."""
    if not state.has_column("distance_from"):
        return np.full(len(state), "catalogue", object)
    words = state.words("distance_from").astype(object)
    words[words == ""] = "catalogue"
    return words


def _has_photometry(state: BuildState) -> NDArray[np.bool_]:
    """Stars whose distances can be measured from J and Ks."""
    return np.isfinite(state.column("j_mag") + state.column("k_mag") + state.column("glon"))


def _alternatives(state: BuildState) -> dict[str, tuple[FloatArray, FloatArray, FloatArray]]:
    """Distance with its 16th and 84th percentile, kpc, of each other source, the best first."""
    parallax, error = state.column("parallax"), state.column("parallax_err")
    significant = (error > 0.0) & (parallax > MIN_PARALLAX_SNR * error)
    parallax, error = (np.where(significant, values, np.nan) for values in (parallax, error))
    none = np.full(len(state), np.nan)
    geometric = tuple(_positive(state, name) for name in ("distance_geo", "distance_geo_16", "distance_geo_84"))
    return {
        "input": (_positive(state, "distance_input"), none, none),
        "geometric": (geometric[0], geometric[1], geometric[2]),
        "parallax": (1.0 / parallax, 1.0 / (parallax + error), 1.0 / (parallax - error)),
    }


def _with_extinction(state: BuildState, rows: NDArray[np.intp], result: DistanceEstimate) -> dict[str, NDArray[Any]]:
    """Columns of extinction and dereddened magnitudes: measured for ``rows``, else the input's."""
    measured = {
        "k_abs": result.k_abs,
        "a_k": result.a_k,
        "e_jk": result.e_jk,
        "e_jk_map": result.e_jk_map,
        "jk0": state.column("j_mag")[rows] - state.column("k_mag")[rows] - result.e_jk,
        "k0_mag": state.column("k_mag")[rows] - result.a_k,
    }
    columns: dict[str, NDArray[Any]] = {name: state.column(name).copy() for name in measured}
    for name, values in measured.items():
        columns[name][rows] = values
    columns["distance_roots"] = state.integers("distance_roots").astype(np.int16)
    columns["distance_roots"][rows] = result.roots
    return columns


def _measure(
    state: BuildState, rows: NDArray[np.intp], table: dict[str, np.ndarray], progress: Progress
) -> DistanceEstimate:
    """Solve Eq. 8 for some rows, and store the quantities that the quality bits need."""
    config = state.config.distance
    calibrations: dict[str, AbsoluteMagnitude] = {
        "parsec": ParsecBranches(table),
        "colour-law": ColourLaw(),
        "cluster-line": ClusterLine(),
    }
    calibration = calibrations[config.calibration]
    dust = configured_dust(state)
    glon, glat = state.column("glon"), state.column("glat")
    j_mag, k_mag = state.column("j_mag"), state.column("k_mag")
    m_h, m_h_err = _metallicity(state)
    errors = [
        np.where(np.isfinite(state.column(name)), state.column(name), config.default_magnitude_error_mag)
        for name in ("j_mag_err", "k_mag_err")
    ]
    progress(0.0, "distances")
    j_err, k_err = errors
    colour_err = np.hypot(np.hypot(j_err, k_err), config.colour_scatter_mag)
    jk0, jk0_err = _spectral_colours(state, dust, j_mag - k_mag, colour_err)
    parallax, parallax_err = _parallaxes(state)
    giants = Giants(
        glon_deg=glon,
        glat_deg=glat,
        j_mag=j_mag,
        j_err=j_err,
        k_mag=k_mag,
        k_err=k_err,
        m_h=m_h,
        m_h_err=m_h_err,
        alpha_m=state.column("alpha_m"),
        alpha_m_err=state.column("alpha_m_err"),
        jk0=jk0,
        jk0_err=jk0_err,
        key=state.integers("obsid"),
        parallax=parallax,
        parallax_err=parallax_err,
        dust_relative_err=_dust_errors(state, dust),
    ).take(rows)
    ages = ChemicalAge() if config.ages == "chemistry" else SingleAge(config.isochrone_age_gyr)
    result = estimate_distances(
        giants,
        calibration,
        ages,
        dust,
        config,
        seed=state.config.input.seed,
        progress=lambda fraction: progress(fraction, "distances"),
    )
    conflict, used = np.zeros(len(state), bool), np.full(len(state), np.nan)
    conflict[rows], used[rows] = result.conflict, m_h[rows]
    state.keep(DISTANCE_M_H, used)
    state.keep(DISTANCE_CONFLICT, conflict)
    state.facts["choices"] |= {"distance calibration": calibration.name, "dust map": dust.name}
    if config.calibration == "parsec":
        state.facts["choices"]["ages"] = ages.name
    reach = dust.reach_kpc(glon[rows], glat[rows])
    state.facts["report"]["dust"] = {
        "outside_the_map": int(np.isnan(reach).sum()),
        "beyond_its_reach": int((result.median_kpc > reach).sum()),
    }
    return result


def _metallicity(state: BuildState) -> tuple[FloatArray, FloatArray]:
    """[M/H] and its error in dex: inferred or finished, else the input's; NaN if missing."""
    typical = state.config.distance.input_m_h_error_dex
    m_h, error, given = state.column("m_h"), state.column("m_h_err"), state.column("m_h_input")
    error = np.where(np.isfinite(m_h) & np.isfinite(error), error, typical)
    return np.where(np.isfinite(m_h), m_h, given), error


def _parallaxes(state: BuildState) -> tuple[FloatArray, FloatArray]:
    """Parallaxes and errors in mas that enter the posterior; NaN if none."""
    parallax, error = state.column("parallax"), state.column("parallax_err")
    used = (error > 0.0) & np.isfinite(parallax) & ~(state.column("ruwe") > RUWE_LIMIT)
    used &= state.config.distance.parallax
    state.facts["choices"]["parallax in distances"] = (
        f"enters the posterior of {int(used.sum())} stars" if state.config.distance.parallax else "not used"
    )
    return np.where(used, parallax, np.nan), np.where(used, error, np.nan)


def _dust_errors(state: BuildState, dust: DustMap) -> FloatArray:
    """Relative error of the dust on each sightline, smaller where a map gives the total column."""
    config = state.config.distance
    covered = np.zeros(len(state), bool)
    if isinstance(dust, ColumnInDisc):
        placed = np.isfinite(state.column("glon") + state.column("glat"))
        covered[placed] = dust.covers(state.column("glon")[placed], state.column("glat")[placed])
    return np.where(covered, min(config.column_relative_error, config.dust_relative_error), config.dust_relative_error)


def _spectral_colours(state: BuildState, dust: DustMap, jk: FloatArray, jk_err: FloatArray) -> tuple[FloatArray, ...]:
    """(J - Ks)0 from the labels and its error, by a relation of unreddened stars; else NaN."""
    nothing = np.full(len(jk), np.nan), np.full(len(jk), np.nan)
    if not state.config.distance.spectral_colour or not state.has_column("teff"):
        return nothing
    to_jk = dust.coefficients["J"] - dust.coefficients["Ks"]
    through = to_jk * dust.reddening(state.column("glon"), state.column("glat"), np.full(len(jk), BEHIND_DUST_KPC))
    clear = through * state.config.distance.dust_relative_error < CLEAR_MAG
    labels = [state.column(name) for name in ("teff", "teff_err", "logg", "m_h")]
    jk_err = np.hypot(jk_err, state.config.distance.dust_relative_error * through)
    relation = learn_colour_relation(*(values[clear] for values in (*labels, jk - through, jk_err)))
    if relation is None:
        state.facts["choices"]["colour from the spectrum"] = f"not used: {clear.sum()} low-extinction stars are too few"
        return nothing
    teff, teff_err, logg, m_h = labels
    state.facts["choices"]["colour from the spectrum"] = (
        f"(J - Ks)0 of Teff, log g and [M/H], learned from {relation.stars} low-extinction stars; it weights the "
        f"draws of dust and photometry; spread {1000 * relation.scatter_mag:.0f} mmag"
    )
    return relation.colour(teff, logg, m_h), relation.error(teff, teff_err)


def _isochrones(state: BuildState) -> dict[str, np.ndarray]:
    """The branches that the configuration names, else the embedded ones."""
    paths = [data_path(state.config, name) for name in state.config.distance.isochrones]
    if not paths:
        return load_table(ISOCHRONE_TABLE)
    for path in paths:
        state.record_input(path)
    table = read_isochrones(paths)
    state.facts["choices"]["isochrones"] = ", ".join(path.name for path in paths)
    return table


def _isochrone_overlay(table: dict[str, np.ndarray], age_gyr: float) -> pd.DataFrame:
    """The branches of one age for [M/H] from -0.7 up."""
    age = ParsecBranches(table).nearest_age(age_gyr)
    keep = np.isclose(table["age_gyr"], age) & (table["m_h"] > -0.8)
    return pd.DataFrame({name: table[name][keep].astype(float) for name in OVERLAY_COLUMNS["isochrones"]})


PHOTOMETRY = Columns("glon", "glat", "j_mag", "k_mag", called="J and Ks magnitudes with a position")

DISTANCE = Stage(
    *("distance", measure_distances, 10, ("distance", "input")),
    needs=(
        AnyOf(
            *(PHOTOMETRY, Columns("distance"), Columns("distance_input"), Columns("distance_geo")),
            Columns("parallax", "parallax_err"),
            called="J and Ks magnitudes with a position, a distance or a parallax",
        ),
    ),
    optional=(
        Columns("j_mag_err", "k_mag_err", "teff", "teff_err", "logg", "m_h", "m_h_err", "alpha_m", "alpha_m_err"),
        Columns("m_h_input", "distance_geo_16", "distance_geo_84", "ruwe"),
    ),
    gives=(
        *(Columns("distance", "distance_16", "distance_84", "distance_from"), Files("overlays/isochrones.parquet")),
        When((Columns("j_mag", "k_mag"),), Columns("jk")),
        When(
            (PHOTOMETRY,),
            Columns("distance_roots", "k_abs", "a_k", "e_jk", "e_jk_map", "jk0", "k0_mag"),
            Internals(DISTANCE_M_H, DISTANCE_CONFLICT),
        ),
    ),
)
