"""A small, valid, invented product directory, written without a pipeline run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from pipeline.domain import frames
from pipeline.domain.checks import REPORT_KEY, Check
from pipeline.domain.column import Column
from pipeline.domain.frames import FRAMES, equatorial_to_galactic, galactic_to_sagittarius, sky_from_galactocentric
from pipeline.domain.wavelength import log_grid
from pipeline.products.catalog import Catalog, write_rejects
from pipeline.products.manifest import Manifest, checksums
from pipeline.products.maps import DiscMap, write_maps
from pipeline.products.overlays import write_overlay
from pipeline.products.product import REPORT_NAME, Products
from pipeline.products.spectra import SpectrumStoreWriter

FRAME = FRAMES["paper"]
NOTE = "Every star, spectrum and map here is invented for tests of the explorer."
_LINES = ((8500.36, 0.4), (8544.44, 0.6), (8664.52, 0.5), (6564.6, 0.25), (5891.6, 0.5), (5897.6, 0.45), (5175.0, 0.35))
_HEADS = (5450.0, 5849.0, 6161.0, 6653.0, 7056.0, 7591.0, 8434.0, 8861.0)


def make_products(
    directory: Path,
    n_stars: int = 3000,
    seed: int = 1,
    *,
    n_spectra: int | None = None,
    drop: tuple[str, ...] = (),
    keep: tuple[str, ...] = (),
    spectra: bool = True,
    own: Mapping[Column, Any] | None = None,
    simulated: bool = True,
) -> Path:
    """Write a product directory of disc and stream stars.

    ``n_spectra`` stars (all by default) have a spectrum; columns in ``drop`` are left out, or all but those in
    ``keep``; ``own`` are further columns with their values. ``simulated`` is what the products say of themselves.
    """
    directory.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    frame = _stars(n_stars, rng)
    drop = tuple(name for name in frame if name not in keep) if keep else drop
    own = own or {}
    more = pd.DataFrame({one.name: values for one, values in own.items()}, index=frame.index)
    catalog = Catalog.from_frame(pd.concat([frame.drop(columns=list(drop)), more], axis=1), tuple(own))
    catalog.write(directory, simulated=simulated)
    write_rejects(
        pd.DataFrame(
            {
                "source": ["spec-1.fits", "spec-2.fits", "table row 7"],
                "obsid": [1, 0, 7],
                "stage": ["spectra", "spectra", "distance"],
                "code": ["truncated", "zero_ivar", "no_photometry"],
                "reason": ["the file ends early", "every pixel has ivar 0", "J or Ks is missing"],
            }
        ),
        directory,
    )
    if spectra:
        _write_spectra(directory, frame.head(n_spectra or n_stars), rng, simulated=simulated)
    if "v_phi" not in drop:
        write_maps(directory, [_disc_map(frame, low, high, rng) for low, high in ((0, 0.5), (0.5, 1), (1, 2), (2, 5))])
    _write_overlays(directory, rng)
    (directory / REPORT_NAME).write_text(
        json.dumps(
            {
                "labels": {"teff": {"bias": 1.2, "scatter": 57.0}, "logg": {"bias": 0.01, "scatter": 0.25}},
                REPORT_KEY: [asdict(Check("median V_Z", 12.0, 1.0, "km/s", -10.0, 10.0, 90, "unlikely", "Invented."))],
            }
        ),
        encoding="utf-8",
    )
    Manifest(
        name="invented",
        simulated=simulated,
        simulated_note=NOTE if simulated else "",
        configuration={"seed": seed, "n_stars": n_stars},
        inputs={"invented sky": ""},
        choices={"frame": "paper", "potential": "none", "dust": "none"},
        stages=(
            {
                "name": "spectra",
                "status": "done",
                "reason": "",
                "rows_in": n_stars + 2,
                "rows_out": n_stars,
                "seconds": 1.5,
            },
            {
                "name": "maps",
                "status": "skipped",
                "reason": "invented",
                "rows_in": n_stars,
                "rows_out": n_stars,
                "seconds": 0.0,
            },
        ),
        files=checksums(directory),
    ).write(directory)
    Products.open(directory)
    return directory


def sign(directory: Path) -> Path:
    """Let the manifest list the files as they are now."""
    replace(Manifest.read(directory), files=checksums(directory)).write(directory)
    return directory


def _stars(n: int, rng: np.random.Generator) -> pd.DataFrame:
    n_stream = n // 8
    n_disc = n - n_stream
    radius = np.abs(rng.normal(9.5, 3.0, n_disc))
    angle = np.pi + rng.normal(0, 0.5, n_disc)
    disc = np.stack([radius * np.cos(angle), radius * np.sin(angle), rng.laplace(0, 0.6, n_disc)], 1)
    rotation = rng.normal(215, 30, n_disc) * np.tanh(radius / 3)
    v_disc = np.stack([rotation * np.sin(angle), -rotation * np.cos(angle), rng.normal(0, 25, n_disc)], 1)
    v_disc[:, :2] += rng.normal(0, 30, (n_disc, 2))
    stream = _stream_positions(n_stream, rng)
    v_stream = np.cross(stream, (0.05, -1.0, 0.1)) * (190 / np.linalg.norm(stream, axis=1))[:, None]
    v_stream += rng.normal(0, 12, (n_stream, 3))
    position, velocity = np.concatenate([disc, stream]), np.concatenate([v_disc, v_stream])
    sky = sky_from_galactocentric(position, velocity, FRAME)
    glon, glat = equatorial_to_galactic(sky["ra"], sky["dec"])
    lam, beta = galactic_to_sagittarius(glon, glat)
    is_stream = np.arange(n) >= n_disc
    m_h = np.where(is_stream, rng.normal(-0.8, 0.25, n), rng.normal(-0.25, 0.25, n))
    teff = rng.normal(3820, 120, n) + 90 * m_h
    logg = 0.9 + (teff - 3800) / 320 - 0.5 * (m_h + 0.3) + rng.normal(0, 0.15, n)
    r_gal = np.hypot(position[:, 0], position[:, 1])
    l_z = -(position[:, 0] * velocity[:, 1] - position[:, 1] * velocity[:, 0])
    j_r, j_z = rng.gamma(2, 40, n) * (1 + 8 * is_stream), np.abs(position[:, 2]) * 60 + rng.gamma(2, 10, n)
    k_abs = -6.2 + (teff - 3800) / 200 + rng.normal(0, 0.15, n)
    jk0 = 1.15 - (teff - 3800) / 900 + rng.normal(0, 0.02, n)
    order = rng.permutation(n)
    values = {
        "ra": sky["ra"],
        "dec": sky["dec"],
        "snr": rng.gamma(3, 25, n) + 6,
        "m_h": m_h,
        "teff": teff,
        "logg": logg,
        "alpha_m": 0.15 - 0.15 * m_h + rng.normal(0, 0.05, n),
        "rv": sky["rv"],
        "distance": sky["distance"],
        "glon": glon,
        "glat": glat,
        "jk0": jk0,
        "k_abs": k_abs,
        "k_mag": np.maximum(k_abs + 5 * np.log10(sky["distance"] * 100), -5.0),
        "x_gal": position[:, 0],
        "y_gal": position[:, 1],
        "z_gal": position[:, 2],
        "x_helio": position[:, 0] + FRAME.r0_kpc,
        "r_gal": r_gal,
        "v_x": velocity[:, 0],
        "v_y": velocity[:, 1],
        "v_z": velocity[:, 2],
        "v_r": (position[:, 0] * velocity[:, 0] + position[:, 1] * velocity[:, 1]) / r_gal,
        "v_phi": l_z / r_gal,
        "j_r": j_r,
        "j_phi": l_z,
        "j_z": j_z,
        "j_tot": np.sqrt(j_r**2 + l_z**2 + j_z**2),
        "sgr_lambda": lam.clip(0, 359.999),
        "sgr_beta": beta,
        "chi2_nu": rng.gamma(20, 0.05, n),
        "oddness": rng.gamma(1, 1, n),
    }
    for name, scale in (("teff", 55), ("logg", 0.2), ("m_h", 0.12), ("alpha_m", 0.06)):
        values[f"{name}_err"] = np.full(n, float(scale))
        values[f"{name}_err_formal"] = np.full(n, scale / 3.0)
    values["rv_err"] = np.full(n, 4.5)
    values["distance_16"], values["distance_84"] = 0.8 * sky["distance"], 1.25 * sky["distance"]
    frame = pd.DataFrame(values).iloc[order].reset_index(drop=True)
    frame.loc[rng.random(n) < 0.03, ["j_r", "j_phi", "j_z", "j_tot", "v_r", "v_phi", "v_x", "v_y", "v_z"]] = np.nan
    frame.insert(0, "obsid", 100_000_000 + np.arange(n, dtype=np.int64))
    frame["in_training"] = rng.random(n) < 0.2
    frame["quality"] = np.where(rng.random(n) < 0.1, 1 << rng.integers(0, 14, n), 0).astype(np.int32)
    return frame


def _stream_positions(n: int, rng: np.random.Generator) -> np.ndarray:
    lam, beta = np.radians(rng.uniform(0, 360, n)), np.radians(rng.normal(0, 5, n))
    sky = np.stack([np.cos(beta) * np.cos(lam), np.cos(beta) * np.sin(lam), np.sin(beta)], 1)
    galactic = sky @ frames._GALACTIC_TO_SGR  # orthogonal: its transpose is its inverse
    distance = 30 + 14 * np.sin(lam) + rng.normal(0, 2, n)
    return galactic * distance[:, None] - (FRAME.r0_kpc, 0.0, 0.0)


def _write_spectra(directory: Path, frame: pd.DataFrame, rng: np.random.Generator, *, simulated: bool) -> None:
    wavelength = log_grid(4500.0, 8950.0)
    writer = SpectrumStoreWriter(
        directory, frame["obsid"].to_numpy(), wavelength, simulated=simulated, note="invented normalised flux"
    )
    narrow = sum(depth * np.exp(-0.5 * ((wavelength - centre) / 3.0) ** 2) for centre, depth in _LINES)
    bands = sum(np.where(wavelength > head, np.exp(-(wavelength - head) / 90.0), 0.0) for head in _HEADS)
    texture = gaussian_filter1d(rng.normal(0, 0.15, wavelength.size), 2)
    for start in range(0, len(frame), 500):
        part = frame.iloc[start : start + 500]
        cool = ((4100 - part["teff"].to_numpy()) / 700).clip(0.05, 1.2)[:, None]
        model = np.clip(1.0 - 0.7 * narrow - 0.45 * cool * bands + texture, 0.02, None)
        noise = 1.0 / part["snr"].to_numpy()[:, None] * np.ones_like(model)
        mask = rng.random(model.shape) < 0.002
        mask[:, 900:925] = True
        writer.put(
            slice(start, start + len(part)),
            flux=(model + noise * rng.normal(size=model.shape)).astype(np.float32),
            ivar=np.where(mask, 0.0, noise**-2).astype(np.float32),
            mask=mask,
            model=model.astype(np.float32),
        )
    writer.close()


def _disc_map(frame: pd.DataFrame, low: float, high: float, rng: np.random.Generator) -> DiscMap:
    edges = np.linspace(-20.0, 20.0, 41)
    inside = frame["z_gal"].abs().between(low, high, inclusive="left") & frame["v_phi"].notna()
    part = frame[inside]
    count, _, _ = np.histogram2d(part["y_gal"], part["x_gal"], bins=(edges, edges))
    means = {}
    for name in ("v_x", "v_y", "v_phi"):
        total, _, _ = np.histogram2d(part["y_gal"], part["x_gal"], bins=(edges, edges), weights=part[name])
        means[name] = np.where(count >= 2, total / np.maximum(count, 1), np.nan).astype(np.float32)
    known = np.kron(count >= 2, np.ones((16, 16), bool))
    smeared = gaussian_filter(rng.normal(size=known.shape), (1, 6))
    scaled = np.clip(128 + 60 * smeared / smeared.std(), 1, 255)
    return DiscMap(
        low,
        high,
        edges,
        count.astype(np.int32),
        means["v_x"],
        means["v_y"],
        means["v_phi"],
        (means["v_phi"] - (np.nanmedian(means["v_phi"]) if (count >= 2).any() else 0.0)).astype(np.float32),
        np.where(known, scaled, 0).astype(np.uint8),
    )


def _write_overlays(directory: Path, rng: np.random.Generator) -> None:
    logg = np.linspace(-0.3, 2.2, 40)
    tracks = [
        pd.DataFrame(
            {
                "age_gyr": age,
                "m_h": m_h,
                "teff": 3800 + 320 * (logg - 0.9 + 0.5 * (m_h + 0.3)) + 40 * np.log10(10 / age),
                "logg": logg,
                "jk0": 1.15 - 0.35 * (logg - 0.9),
                "k_abs": -6.2 + 1.6 * (logg - 0.9) + 0.3 * m_h,
            }
        )
        for m_h in (-1.0, -0.5, 0.0, 0.3)
        for age in (3.0, 10.0)
    ]
    write_overlay(directory, "isochrones", pd.concat(tracks, ignore_index=True))
    lam = np.sort(rng.uniform(0, 360, 1500))
    model = {
        "sgr_lambda": lam,
        "sgr_beta": rng.normal(0, 5, lam.size),
        "distance": 30 + 14 * np.sin(np.radians(lam)) + rng.normal(0, 2, lam.size),
        "v_gsr": 120 * np.sin(np.radians(lam)),
        "x_gal": np.zeros(lam.size),
        "y_gal": np.zeros(lam.size),
        "z_gal": np.zeros(lam.size),
        "stripped_gyr": rng.uniform(0, 4, lam.size),
    }
    write_overlay(directory, "stream_model", pd.DataFrame(model))
    arms = []
    for number, start in enumerate((0.3, 1.9, 3.4, 5.0)):
        phase = np.linspace(start, start + 3.5, 120)
        r = 4.0 * np.exp(0.22 * (phase - start))
        arms.append(pd.DataFrame({"arm": f"arm {number + 1}", "x_gal": r * np.cos(phase), "y_gal": r * np.sin(phase)}))
    write_overlay(directory, "spiral_arms", pd.concat(arms, ignore_index=True))
