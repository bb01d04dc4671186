"""Stages that work on spectra: snr, rv, indices, normalise, labels.

Band windows are 4 Angstrom wide and a velocity of 150 km/s moves them by as much; so indices are measured after the
velocity, in the rest frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.config import SpectraConfig
from pipeline.domain.wavelength import log_grid
from pipeline.products.models import write_model
from pipeline.products.spectra import SpectrumStoreWriter
from pipeline.science.calibration import (
    NOISE_LEVELS,
    Degraded,
    ErrorModel,
    bias_and_scatter,
    coverage,
    degrade,
    out_of_fold_labels,
)
from pipeline.science.continuum import ContinuumFitter, ContinuumSettings, normalise
from pipeline.science.indices import CALCIUM_WINDOW, band_ratios, mean_snr
from pipeline.science.radial_velocity import VelocityMeasurer, VelocitySettings
from pipeline.science.resample import rebin
from pipeline.science.slam import LabelFit, SlamModel, SlamSettings
from pipeline.science.slam_storage import to_arrays
from pipeline.science.synthetic import SyntheticModel
from pipeline.science.templates import synthetic_templates
from pipeline.sources.embedded import SYNTHETIC_TABLE, load_table
from pipeline.stages.state import BuildState, Progress, StageSkipped

_BLOCK = 250
MIN_TRAINING_STARS = 50
SNR_EDGES = (10.0, 20.0, 30.0, 50.0, 75.0, 100.0, 150.0, 200.0, 500.0)
"""Bins of bias and scatter against S/N (paper Figure 4)."""

_FLUX_NOTE = {
    True: "rest frame, divided by the pseudo-continuum",
    False: "flux over its mean at 7000-10000 Angstrom, not divided by a continuum",
}

REFERENCE_COLUMN = {"a_k_fit": "a_k_ref"}
"""Reference column of a label; ``NAME_ref`` unless listed."""


def _need_spectra(state: BuildState) -> None:
    if not state.has_spectra:
        raise StageSkipped("the input has no spectra")


def _continuum_settings(config: SpectraConfig) -> ContinuumSettings:
    return ContinuumSettings(
        config.continuum_half_power_angstrom,
        config.continuum_clip_low,
        config.continuum_clip_high,
        config.continuum_passes,
    )


def _raw_block(
    state: BuildState, rows: slice | NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Observed-frame wavelength, flux, ivar and mask, with the configured windows (sky, telluric) masked."""
    wavelength = np.array(state.array("raw_wavelength"))
    flux, ivar = (np.array(state.array(name)[rows], dtype=np.float64) for name in ("raw_flux", "raw_ivar"))
    mask = np.array(state.array("raw_mask")[rows])
    for low, high in state.config.spectra.masked_windows_angstrom:
        mask[:, (wavelength >= low) & (wavelength <= high)] = True
    return wavelength, flux, ivar, mask


def _blocks(n: int) -> list[slice]:
    return [slice(start, min(start + _BLOCK, n)) for start in range(0, n, _BLOCK)]


def measure_snr(state: BuildState, progress: Progress) -> int:
    """Three S/N: the paper's over all pixels (measured on reading), good pixels, and the Ca II range."""
    _need_spectra(state)
    n = len(state.table)
    good, calcium, masked = (np.full(n, np.nan) for _ in range(3))
    for rows in _blocks(n):
        wavelength, flux, ivar, mask = _raw_block(state, rows)
        fitted = (wavelength >= state.config.spectra.first_angstrom) & (
            wavelength <= state.config.spectra.last_angstrom
        )
        infrared = (wavelength >= CALCIUM_WINDOW[0]) & (wavelength <= CALCIUM_WINDOW[1])
        good[rows] = mean_snr(flux[:, fitted], ivar[:, fitted], mask[:, fitted])
        calcium[rows] = mean_snr(flux[:, infrared], ivar[:, infrared], mask[:, infrared])
        masked[rows] = mask[:, fitted].mean(axis=1)
        progress(rows.stop / n, "signal-to-noise ratios")
    state.table = state.table.assign(snr_good=good, snr_ca=calcium, masked_fraction=masked)
    return int(np.isfinite(good).sum())


def measure_velocities(state: BuildState, progress: Progress) -> int:
    """Radial velocities against the synthetic templates, in the observed frame."""
    _need_spectra(state)
    config = state.config
    wavelength = np.array(state.array("raw_wavelength"))
    step = np.diff(np.log10(wavelength))
    if step.max() - step.min() > 1e-7:
        raise StageSkipped("the spectra are not on a logarithmic grid (resolution too low for velocities)")
    continuum = _continuum_settings(config.spectra)
    model = SyntheticModel.from_table(load_table(SYNTHETIC_TABLE))
    templates = synthetic_templates(model, continuum)
    velocity = config.velocity
    measurer = VelocityMeasurer(
        wavelength,
        templates,
        VelocitySettings(velocity.first_angstrom, velocity.last_angstrom, velocity.max_velocity_kms, velocity.step_kms),
    )
    fitter = ContinuumFitter(wavelength, continuum)
    n = len(state.table)
    names = ("rv", "rv_err", "rv_peak", "rv_peak_ratio", "rv_template_teff", "rv_chi2_nu")
    columns = {name: np.full(n, np.nan) for name in names}
    doubtful, edge = np.zeros(n, bool), np.zeros(n, bool)
    for rows in _blocks(n):
        _, flux, ivar, mask = _raw_block(state, rows)
        found = measurer.measure(*normalise(flux, ivar, mask, fitter.fit(flux, ivar, mask)))
        teff = np.where(found.template >= 0, templates.labels[found.template, 0], np.nan)
        values = (found.rv_kms, found.error_kms, found.peak, found.rival, teff, found.chi2_nu)
        for name, value in zip(names, values, strict=True):
            columns[name][rows] = value
        doubtful[rows], edge[rows] = found.edge_of_search, found.edge_template
        progress(rows.stop / n, "radial velocities")
    state.table = state.table.assign(**columns)
    state.save_array("rv_edge_of_search", doubtful)
    state.save_array("rv_edge_template", edge)
    state.facts["choices"]["velocity templates"] = templates.name
    return int(np.isfinite(columns["rv"]).sum())


def measure_indices(state: BuildState, progress: Progress) -> int:
    """TiO5, CaH2, CaH3 in the rest frame, where the input has LAMOST's resolution."""
    _need_spectra(state)
    if "rv" not in state.table:
        raise StageSkipped("band windows of 4 Å need spectra on LAMOST's pixels and a velocity")
    velocity = np.nan_to_num(state.best_velocity())
    wavelength = np.array(state.array("raw_wavelength"))
    window = log_grid(6750.0, 7200.0)
    near = (wavelength > 6650.0) & (wavelength < 7300.0)
    n = len(state.table)
    found = {name: np.full(n, np.nan) for name in ("tio5", "cah2", "cah3")}
    for rows in _blocks(n):
        _, flux, ivar, mask = _raw_block(state, rows)
        rest = [
            rebin(wavelength[near], flux[i, near], ivar[i, near], mask[i, near], window, velocity[rows][i])
            for i in range(len(flux))
        ]
        ratios = band_ratios(window, np.array([r[0] for r in rest]), np.array([r[2] for r in rest]))
        for name, values in ratios.items():
            found[name][rows] = values
        progress(rows.stop / n, "band indices")
    state.table = state.table.assign(**found, cah_sum=found["cah2"] + found["cah3"])
    return int(np.isfinite(found["tio5"]).sum())


def normalise_spectra(state: BuildState, progress: Progress) -> int:
    """Move spectra to the rest frame, divide by the pseudo-continuum, and store them."""
    _need_spectra(state)
    config = state.config.spectra
    raw = np.array(state.array("raw_wavelength"))
    if config.normalise:
        grid = log_grid(config.first_angstrom, config.last_angstrom)
        fitter = ContinuumFitter(grid, _continuum_settings(config))
        velocity = np.nan_to_num(state.best_velocity())
    else:
        grid = raw[(raw >= config.first_angstrom) & (raw <= config.last_angstrom)]
    n = len(state.table)
    writer = SpectrumStoreWriter(
        state.draft,
        state.table["obsid"].to_numpy(np.int64),
        grid,
        simulated=state.facts["simulated"],
        note=_FLUX_NOTE[config.normalise],
    )
    usable = 0
    for rows in _blocks(n):
        wavelength, flux, ivar, mask = _raw_block(state, rows)
        if config.normalise:
            flux, ivar, mask, continuum = _rest_frame(wavelength, flux, ivar, mask, velocity[rows], fitter, grid)
            writer.put(rows, continuum=np.nan_to_num(continuum, nan=0.0))
        else:
            keep = np.isin(wavelength, grid)
            flux, ivar, mask = flux[:, keep], ivar[:, keep], mask[:, keep]
        writer.put(rows, flux=flux, ivar=ivar, mask=mask)
        usable += int((~mask).any(axis=1).sum())
        progress(rows.stop / n, "rest frame and continuum")
    writer.close()
    return usable


def _rest_frame(
    wavelength: NDArray[np.float64],
    flux: NDArray[np.float64],
    ivar: NDArray[np.float64],
    mask: NDArray[np.bool_],
    velocity: NDArray[np.float64],
    fitter: ContinuumFitter,
    grid: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Rebinned to the rest frame and divided by the pseudo-continuum, which comes last."""
    rest = [rebin(wavelength, flux[i], ivar[i], mask[i], grid, velocity[i]) for i in range(len(flux))]
    flux, ivar, mask = (np.array(part) for part in zip(*rest, strict=True))
    continuum = fitter.fit(flux, ivar, mask)
    return (*normalise(flux, ivar, mask, continuum), continuum)


def _degraded(state: BuildState, training: NDArray[np.int64], progress: Progress) -> list[Degraded]:
    """Training stars with noise added to their observed spectra, which then go the same way to the rest frame."""
    config = state.config.spectra
    grid = np.load(state.draft / "spectra" / "wavelength.npy")
    fitter = ContinuumFitter(grid, _continuum_settings(config))
    snr, velocity = state.column("snr"), np.nan_to_num(state.best_velocity())
    lowest, middle = 0.7 * float(np.nanmin(snr)), float(np.median(snr[training]))
    levels = [level for level in NOISE_LEVELS if lowest < level < middle]
    rng = np.random.default_rng(state.config.labels.seed)
    result = []
    for number, level in enumerate(levels):
        reached = snr[training] >= level
        shape = (training.size, grid.size)
        noisy = Degraded(level, reached, np.ones(shape, np.float32), np.zeros(shape, np.float32), np.ones(shape, bool))
        for part in _blocks(int(reached.sum())):
            place = np.flatnonzero(reached)[part]
            rows = training[place]
            wavelength, flux, ivar, mask = _raw_block(state, rows)
            flux, ivar = degrade(flux, ivar, mask, snr[rows] / level, rng)
            if config.normalise:
                flux, ivar, mask, _ = _rest_frame(wavelength, flux, ivar, mask, velocity[rows], fitter, grid)
            else:
                keep = np.isin(wavelength, grid)
                flux, ivar, mask = flux[:, keep], ivar[:, keep], mask[:, keep]
            noisy.flux[place], noisy.ivar[place], noisy.mask[place] = flux, ivar, mask
        result.append(noisy)
        progress(0.45 + 0.05 * (number + 1) / len(levels), "injecting noise")
    return result


def infer_labels(state: BuildState, progress: Progress) -> int:
    """Train SLAM on the stars with reference labels, calibrate its errors out of fold, infer all stars."""
    _need_spectra(state)
    config = state.config.labels
    training = _training_rows(state)
    if training.size < MIN_TRAINING_STARS:
        raise StageSkipped(
            f"{training.size} stars have reference labels within the training cuts; {MIN_TRAINING_STARS} are needed"
        )
    spectra = {
        name: np.load(state.draft / "spectra" / f"{name}.npy", mmap_mode="r") for name in ("flux", "ivar", "mask")
    }
    reference = np.stack([state.column(REFERENCE_COLUMN.get(n, f"{n}_ref")) for n in config.names], axis=1)
    flux, ivar, mask = (np.array(spectra[name][training]) for name in ("flux", "ivar", "mask"))
    groups = _star_groups(state)[training]
    settings = SlamSettings(
        engine=config.engine,
        c_grid=config.c_grid,
        gamma_grid=config.gamma_grid,
        epsilon_grid=config.epsilon_grid,
        n_folds=config.folds,
        seed=config.seed,
        final_precision=config.final_precision,
        second_start=config.second_start,
        prior=config.prior,
        nuisance_modes=config.nuisance_modes,
        prescreen_margin=config.prescreen_margin,
    )
    model = SlamModel(config.names, settings)
    told = f"training SLAM, about {settings.training_memory_gb(*flux.shape):.1f} GB"
    progress(0.0, told)
    model.fit(reference[training], flux, ivar, mask, groups=groups, progress=lambda f: progress(0.45 * f, told))
    degraded = _degraded(state, training, progress)
    held_out = out_of_fold_labels(
        model,
        flux,
        ivar,
        mask,
        groups=groups,
        n_folds=config.out_of_fold_models,
        degraded=degraded,
        progress=lambda f: progress(0.5 + 0.25 * f, "out-of-fold labels"),
    )
    errors = _calibrate(state, held_out, degraded, training, reference)
    _publish_labels(state, model, errors, held_out[0], training, reference, progress)
    return int(np.isfinite(state.column(config.names[0])).sum())


def _reference_errors(state: BuildState) -> NDArray[np.float64]:
    """Errors of the reference labels, shape (n, l); NaN where none is stated."""
    names = [REFERENCE_COLUMN.get(name, f"{name}_ref") for name in state.config.labels.names]
    return np.stack([state.column(f"{name}_err") for name in names], axis=1)


def _calibrate(
    state: BuildState,
    held_out: list[LabelFit],
    degraded: list[Degraded],
    training: NDArray[np.int64],
    reference: NDArray[np.float64],
) -> ErrorModel:
    """Fit the error model to out-of-fold stars, as observed and with injected noise; report both, told apart.

    Injected noise knows nothing of what else goes wrong in faint spectra: it counts only where no star was observed.
    """
    names, snr = state.config.labels.names, state.column("snr")[training]
    differences = [fit.labels - reference[training] for fit in held_out]
    reached = [snr, *(np.full(snr.size, noisy.snr) for noisy in degraded)]
    used = [0, *(place for place, noisy in enumerate(degraded, 1) if noisy.snr <= snr.min())]
    errors = ErrorModel(names).fit(
        np.concatenate([differences[place] for place in used]),
        np.concatenate([held_out[place].formal_error for place in used]),
        np.concatenate([reached[place] for place in used]),
        np.tile(_reference_errors(state)[training], (len(used), 1)),
    )
    held = bias_and_scatter(differences[0], snr, np.array(SNR_EDGES))
    report: dict[str, object] = {
        "labels": list(names),
        "held_out": {"snr_edges": list(SNR_EDGES), **{key: values.tolist() for key, values in held.items()}},
        "noise_injected": [
            {
                "snr": noisy.snr,
                **{
                    key: values.tolist()[0]
                    for key, values in bias_and_scatter(
                        difference, np.full(snr.size, noisy.snr), np.array([0.0, np.inf])
                    ).items()
                },
            }
            for noisy, difference in zip(degraded, differences[1:], strict=True)
        ],
    }
    state.facts["report"]["label_errors_by_snr"] = report
    return errors


def _publish_labels(state, model, errors, held_out, training, reference, progress) -> None:  # noqa: ANN001
    """Infer in blocks, write labels, errors and model spectra; training stars keep their out-of-fold labels."""
    names = state.config.labels.names
    n = len(state.table)
    store = {key: np.load(state.draft / "spectra" / f"{key}.npy", mmap_mode="r") for key in ("flux", "ivar", "mask")}
    models = np.load(state.draft / "spectra" / "model.npy", mmap_mode="r+")
    labels, formal = np.full((n, len(names)), np.nan), np.full((n, len(names)), np.nan)
    chi2_nu = np.full(n, np.nan)
    converged, bound, disagree = np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, bool)
    reason = np.full(n, "", object)
    for rows in _blocks(n):
        fit = model.infer_labels(*(np.array(store[key][rows]) for key in ("flux", "ivar", "mask")))
        labels[rows], formal[rows], chi2_nu[rows] = fit.labels, fit.formal_error, fit.reduced_chi2
        converged[rows], bound[rows] = fit.converged, fit.at_bound.any(axis=1)
        disagree[rows], reason[rows] = fit.starts_disagree, fit.reason
        progress(0.75 + 0.25 * rows.stop / n, "inferring labels")
    labels[training], formal[training] = held_out.labels, held_out.formal_error
    chi2_nu[training], converged[training] = held_out.reduced_chi2, held_out.converged
    bound[training], disagree[training] = held_out.at_bound.any(axis=1), held_out.starts_disagree
    reason[training] = [f"out of fold: {text}" for text in held_out.reason]
    for rows in _blocks(n):
        known = np.isfinite(labels[rows]).all(axis=1)
        block = np.full((len(known), models.shape[1]), np.nan, np.float32)
        if known.any():
            block[known] = np.where(model.usable_pixel_, model.predict_flux(labels[rows][known]), np.nan)
        models[rows] = block
    models.flush()
    published = errors.apply(formal, state.column("snr"))
    columns = {"chi2_nu": chi2_nu, "label_reason": reason.astype(str)}
    for index, name in enumerate(names):
        columns |= {
            name: labels[:, index],
            f"{name}_err": published[:, index],
            f"{name}_err_formal": formal[:, index],
        }
    in_training = np.zeros(n, bool)
    in_training[training] = True
    state.table = state.table.assign(in_training=in_training, **columns)
    for key, values in (("converged", converged), ("at_bound", bound), ("starts_disagree", disagree)):
        state.save_array(f"label_{key}", values)
    state.save_array("label_outside_hull", _outside_hull(labels, reference[training]))
    arrays, metadata = to_arrays(model)
    write_model(state.draft, arrays, {**metadata, "errors": errors.to_dict(), "simulated": state.facts["simulated"]})
    state.facts["choices"]["label engine"] = f"SLAM, {state.config.labels.engine}, {len(training)} training stars"
    state.facts["report"]["labels"] = _label_report(
        names, labels, np.hypot(published, np.nan_to_num(_reference_errors(state))), reference, in_training
    )


def _label_report(names, labels, errors, reference, in_training) -> dict[str, dict[str, dict[str, float]]]:  # noqa: ANN001
    """Bias, robust scatter and coverage of each label, on training stars out of fold and on all others.

    ``errors`` are those of the differences: of the inferred and of the reference label together.
    """
    report = {}
    for index, name in enumerate(names):
        difference = labels[:, index] - reference[:, index]
        report[name] = {}
        for sample, rows in (("out of fold", in_training), ("not trained on", ~in_training)):
            values = difference[rows & np.isfinite(difference)]
            if values.size < 2:
                continue
            pulls = (difference / errors[:, index])[rows & np.isfinite(difference)]
            covered = coverage(pulls)
            report[name][sample] = {
                "stars": int(values.size),
                "bias": float(np.median(values)),
                "scatter": float(1.4826 * np.median(np.abs(values - np.median(values)))),
                "rms": float(np.sqrt(np.mean(values**2))),
                "coverage_68": covered[0],
                "coverage_95": covered[1],
            }
    return report


def _outside_hull(labels: NDArray[np.float64], training: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Stars whose nearest training star lies farther than 99.5 % of the training stars' own nearest neighbours do."""
    from scipy.spatial import cKDTree  # noqa: PLC0415 - only this stage needs it

    scale = training.std(axis=0)
    tree = cKDTree(training / scale)
    own = tree.query(training / scale, k=2)[0][:, 1]
    known = np.isfinite(labels).all(axis=1)
    outside = np.zeros(len(labels), bool)
    outside[known] = tree.query(labels[known] / scale)[0] > 2.0 * np.percentile(own, 99.5)
    return outside


def _star_groups(state: BuildState) -> NDArray[np.int64]:
    """One number a star, so that repeated observations stay together: Gaia's source id, else the observation itself."""
    gaia = state.table["gaia_source_id"].to_numpy(np.int64) if "gaia_source_id" in state.table else 0
    return np.where(gaia > 0, gaia, -state.table["obsid"].to_numpy(np.int64))


def _training_rows(state: BuildState) -> NDArray[np.int64]:
    """Rows with reference labels within the cuts of paper section 2.2, at most the configured number (seeded)."""
    config = state.config.labels
    passes = np.ones(len(state.table), bool)
    for name in config.names:
        passes &= np.isfinite(state.column(REFERENCE_COLUMN.get(name, f"{name}_ref")))
    passes &= np.nan_to_num(state.column("snr"), nan=-1.0) > config.min_snr
    for name, limit in (
        ("teff_ref_err", config.max_teff_error_k),
        ("logg_ref_err", config.max_logg_error_dex),
        ("m_h_ref_err", config.max_m_h_error_dex),
        ("alpha_m_ref_err", config.max_alpha_m_error_dex),
    ):
        error = state.column(name)
        passes &= ~np.isfinite(error) | (error < limit)
    candidates = np.flatnonzero(passes)
    if candidates.size > config.max_training_stars:
        chosen = np.random.default_rng(config.seed).permutation(candidates.size)[: config.max_training_stars]
        candidates = candidates[np.sort(chosen)]
    return candidates
