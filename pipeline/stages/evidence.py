"""Evidence that a star is odd: contradictions of spectrum, labels, velocities and catalogue values.

Each piece is a deviation that is larger the odder a star is, over what is usual at its S/N; NaN where a star has none.
Nothing here knows what is true.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.products.spectra import SpectrumStore
from pipeline.science.quality.oddness import conditional_distance, neighbour_distance, relative_to_like, repeat_pull
from pipeline.science.spectra.line_tests import emission_pattern, significance, sky_pattern
from pipeline.science.spectra.residuals import ResidualModel, second_velocity
from pipeline.stages.build_spectra import blocks
from pipeline.stages.internal import RV_EDGE_OF_SEARCH
from pipeline.stages.items import ModelSpectra
from pipeline.stages.state import BuildState

FloatArray = NDArray[np.float64]

NARROW, BROAD = "narrow feature", "broad feature"
"""Pieces of evidence that a quality bit uses too."""

STATED_KMS = 1.0
"""Error added to compared velocities, as the atmospheres of giants move."""

LUMINOSITY_SCATTER_MAG = 0.5
"""Scatter of M_Ks at given labels, from ages and from the labels' own errors."""

_MAX_REFERENCES = 1000
_COLOURS = (("j_mag", "h_mag"), ("h_mag", "k_mag"), ("k_mag", "w1_mag"), ("w1_mag", "w2_mag"), ("g_mag", "k_mag"))
_WINDOWS = (
    *((4550.0, 4700.0), (4900.0, 5100.0), (5300.0, 5500.0), (5620.0, 5720.0)),
    *((5880.0, 5980.0), (6350.0, 6500.0), (7000.0, 7100.0), (7350.0, 7550.0), (8050.0, 8300.0), (8600.0, 8800.0)),
)
"""Windows of the pseudo-continuum comparison in Angstrom; the arms join between the fourth and fifth."""

_JOIN = 3


def gather_evidence(state: BuildState, progress: Callable[[float], None]) -> dict[str, FloatArray]:
    """All kinds of evidence that this build's stars have, by name."""
    evidence: dict[str, FloatArray] = {}
    fitted = not ModelSpectra().missing(state)
    if fitted:
        evidence |= _from_residuals(state, progress)
        evidence |= _from_labels(state)
    evidence |= _from_catalogue(state, fitted=fitted)
    if state.has_column("rv"):
        difference = np.abs(state.column("rv") - state.column("rv_gaia"))
        errors = np.hypot(state.column("rv_err"), state.column("rv_gaia_err"))
        evidence["Gaia velocity"] = difference / np.hypot(errors, STATED_KMS)
    evidence["repeats"] = _from_repeats(state)
    condition = np.log(np.maximum(state.column("snr_good"), 1.0))
    like = {name: relative_to_like(values, condition) for name, values in evidence.items()}
    return {name: values for name, values in like.items() if np.isfinite(values).any()}


def _from_residuals(state: BuildState, progress: Callable[[float], None]) -> dict[str, FloatArray]:
    """Residuals of the label fit; velocities and lines only for LAMOST's resolution."""
    store = state.rest_spectra
    wavelength = store.wavelength
    training = np.flatnonzero(state.truths("in_training"))
    chosen = np.random.default_rng(state.config.labels.seed).permutation(training)[:_MAX_REFERENCES]
    behaviour = ResidualModel.learn(*_residual(store, np.sort(chosen))[:2])
    resolved = state.has(RV_EDGE_OF_SEARCH)
    velocity = state.spectrum_velocity()
    lines = emission_pattern(wavelength)
    n = len(state)
    parts = []
    for rows in blocks(n):
        residual, ivar, model = _residual(store, rows)
        judged = behaviour.judge(residual, ivar)
        result = {NARROW: judged["narrow"], BROAD: judged["broad"]}
        if resolved:
            weight = behaviour.weight(ivar)
            sky = sky_pattern(wavelength, velocity[rows], store.continua(rows).astype(float))
            result["second velocity"] = second_velocity(residual, model, weight)
            result["emission"] = np.maximum(significance(residual, weight, lines), 0.1)
            result["sky lines"] = np.abs(significance(residual, weight, sky))
        parts.append(result)
        progress(rows.stop / n)
    evidence = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if resolved:
        evidence |= _from_continuum(state, store)
    return evidence | {"poor fit": np.sqrt(state.column("chi2_nu"))}


def _residual(store: SpectrumStore, rows: slice | NDArray[np.int64]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Flux minus fit, inverse variance (0 without a fit), and the fit."""
    flux, ivar = (values.astype(float) for values in store.pixels(rows)[:2])
    model = store.models(rows).astype(float)
    ivar[~np.isfinite(model)] = 0.0
    return np.nan_to_num(flux - model), ivar, np.nan_to_num(model, nan=1.0)


def _from_continuum(state: BuildState, store: SpectrumStore) -> dict[str, FloatArray]:
    """Shape and level of the pseudo-continuum against photometry and Teff."""
    level, wavelength = np.full((len(state), len(_WINDOWS)), np.nan), store.wavelength
    for rows in blocks(len(state)):
        continuum = store.continua(rows).astype(float)
        continuum[continuum <= 0] = np.nan
        for number, (low, high) in enumerate(_WINDOWS):
            inside = continuum[:, (wavelength > low) & (wavelength < high)]
            known = np.isfinite(inside).any(axis=1)
            if inside.size:
                level[rows.start + np.flatnonzero(known), number] = np.log(np.nanmedian(inside[known], axis=1))
    red = level[:, -1:]
    teff = state.column("teff")
    h_k, g_k = (state.column(name) - state.column("k_mag") for name in ("h_mag", "g_mag"))
    photometry = np.stack([h_k, g_k, state.column("bp_rp")], axis=1)
    step = level[:, [_JOIN]] - level[:, [_JOIN + 1]]
    magnitude = np.stack([state.column("g_mag"), state.column("bp_rp")], axis=1)
    return {
        "continuum": conditional_distance(level[:, :-1] - red, np.concatenate([photometry, teff[:, None]], axis=1)),
        "arm join": conditional_distance(step, np.concatenate([photometry[:, 1:], state.labels("label")], axis=1)),
        "brightness": conditional_distance(red, magnitude),
    }


def _from_labels(state: BuildState) -> dict[str, FloatArray]:
    """Labels against those of the training stars, their own references, and the parallax."""
    labels, reference = state.labels("label"), state.labels("reference")
    pulls = (labels - reference) / np.hypot(state.labels("error"), np.nan_to_num(state.labels("reference error")))
    evidence = {
        "far from training": neighbour_distance(labels, reference[state.truths("in_training")]),
        "reference labels": conditional_distance(pulls, labels),
    }
    if state.has_column("label_disagreement"):
        evidence["two engines"] = state.column("label_disagreement")
    if state.has_column("k_abs"):
        evidence["luminosity"] = _luminosity(state, labels)
    return evidence


def _luminosity(state: BuildState, labels: FloatArray) -> FloatArray:
    """Comparison of the parallax with M_Ks at the star's labels and Ks."""
    k_abs = state.column("k_abs")
    known = np.isfinite(k_abs) & np.isfinite(labels).all(axis=1)
    expected = np.full(len(k_abs), np.nan)
    if known.sum() > 30:
        scaled = (labels - np.median(labels[known], axis=0)) / labels[known].std(axis=0)
        design = np.concatenate([np.ones((len(labels), 1)), scaled, scaled**2], axis=1)
        expected = design @ np.linalg.lstsq(design[known], k_abs[known], rcond=None)[0]
    parallax = 10.0 ** (0.2 * (expected - state.column("k0_mag")) + 2.0)
    error = np.hypot(state.column("parallax_err"), 0.2 * np.log(10.0) * LUMINOSITY_SCATTER_MAG * parallax)
    pull: FloatArray = np.abs(state.column("parallax") - parallax) / error
    return pull


def _from_catalogue(state: BuildState, *, fitted: bool) -> dict[str, FloatArray]:
    """Colours and band indices against the labels, or colours against (J - Ks) without labels."""
    colours = np.stack([*(state.column(a) - state.column(b) for a, b in _COLOURS), state.column("bp_rp")], axis=1)
    extinction = np.nan_to_num(state.column("a_k"))[:, None]
    if not fitted:
        given = np.stack([state.column("j_mag") - state.column("k_mag")], axis=1)
        return {"colours": conditional_distance(colours[:, 2:], given)}
    labels = state.labels("label")
    bands = np.stack([state.column(name) for name in ("tio5", "cah2", "cah3")], axis=1)
    return {
        "colours": conditional_distance(colours, np.concatenate([labels, extinction], axis=1)),
        "band indices": conditional_distance(bands, labels),
    }


def _from_repeats(state: BuildState) -> FloatArray:
    """Largest disagreement of an observation with the others of its star."""
    star = state.integers("star") if state.has_column("star") else np.arange(len(state))
    names = ("rv", *state.config.labels.names)
    pulls = [repeat_pull(star, state.column(name), state.column(f"{name}_err")) for name in names]
    worst: FloatArray = np.fmax.reduce(pulls)
    return worst
