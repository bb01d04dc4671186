"""The simulated survey's distributions beside real ones: a table of percentiles and a picture.

Give the product of ``python -m pipeline build demo``. Real are, of the shared data, the catalogue of LAMOST DR4 M
giants, 667 of them with APOGEE labels, the mean spectra of MaStar giants, and repeats of the pilot survey, of A to K
stars. Both sides are cut to 4 < Ks < 14; DR4 further to S/N above 5 and distances beyond 0.8 kpc: dwarfs are in it.
"""

import argparse
import itertools
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.io import fits
from astropy.table import Table
from matplotlib.figure import Figure

from pipeline.domain.frames import equatorial_to_galactic
from pipeline.domain.wavelength import redshift_to_velocity
from pipeline.mock.bands import branch_gravity
from pipeline.mock.spectra import Light, StarLight
from pipeline.science.spectra.indices import REID_1995, BandRatio, band_ratios
from pipeline.science.velocity.repeats import star_numbers
from tests.benchmarks.mock_real import KEYS, MIN_SNR, WIDTHS
from tests.conftest import SHARED

BANDS = (
    *REID_1995,
    BandRatio("TiO 6180", (6159, 6220), (6100, 6140)),
    BandRatio("TiO 7750", (7700, 7790), (7500, 7570)),
    BandRatio("VO 7900", (7850, 7970), (8100, 8150)),
    BandRatio("TiO 8450", (8440, 8475), (8385, 8415)),
    BandRatio("TiO 8880", (8868, 8900), (8825, 8850)),
)
MASTAR_GIANTS = ("30", "14", "29", "12", "26", "27", "09", "08")
"""Clusters of MaStar giants of TiO5 0.88 to 0.28; number 00 is no single spectrum, 06 is beyond the simulated range."""

MEASURED = ("abs(b)", "E(J-K)", "J-K", "(J-K)0", "K", "S/N", "rv", "Teff", "log g", "[M/H]", "log g residual")
COLOURS = (0.90, 0.96, 1.02, 1.10, 1.25)
"""Edges of bins in (J-K)0, which stands for Teff: no table of real band indices has temperatures."""


def main(arguments):
    """Print the distributions, the bands, and write the picture."""
    parser = argparse.ArgumentParser(prog="mock_against_real")
    parser.add_argument("mock", type=Path, help="product directory of the simulated survey")
    parser.add_argument("--picture", type=Path, default=Path("mock_against_real.png"))
    options = parser.parse_args(arguments)
    real, mock = real_values(), mock_values(options.mock)
    for name in MEASURED:
        if name in real and name in mock:
            row = {"quantity": name, "real": spread(real[name]), "mock": spread(mock[name])}
            print(json.dumps({"benchmark": "mock_against_real", **row, "stars": [len(real[name]), len(mock[name])]}))
    print(json.dumps({"below 10 deg": [round(float(np.mean(side["abs(b)"] < 10)), 3) for side in (real, mock)]}))
    print(json.dumps({"log g at fixed Teff, [M/H]": [half_width(side["log g residual"]) for side in (real, mock)]}))
    print(json.dumps({"rv of repeats, km/s": [half_width(real_repeats()), half_width(mock["repeats"])]}))
    for row in bands_by_colour(options.mock):
        print(json.dumps({"benchmark": "mock_against_real", **row}))
    bands = band_table()
    for row in bands:
        print(json.dumps({"benchmark": "mock_against_real", **row}))
    draw(options.picture, real, mock, bands)


def real_values():
    """LAMOST DR4, and its stars with APOGEE labels."""
    table = pd.read_csv(SHARED / "lamost_dr4_mgiants.csv")
    table = table[table["k"].between(4, 14) & (table["sn"] > 5) & (table["dist"] > 0.8)]
    excess = (table["ej"] - table["ek"]).to_numpy()
    colour = (table["j"] - table["k"]).to_numpy()
    _, glat = equatorial_to_galactic(table["ra"].to_numpy(), table["dec"].to_numpy())
    labels = pd.read_csv(SHARED / "lamost_dr4_mgiants_x_apogee_xp_667.csv")
    labels = labels[labels["teff"].between(3200, 4300) & (labels["logg"] < 2.5)]
    teff, logg, m_h = (labels[name].to_numpy(float) for name in ("teff", "logg", "fe_h"))
    velocity = table["rv"].to_numpy()
    return {
        "abs(b)": np.abs(glat),
        "E(J-K)": excess,
        "J-K": colour,
        "(J-K)0": colour - excess,
        "K": table["k"].to_numpy(),
        "S/N": table["sn"].to_numpy(),
        "rv": velocity[np.abs(velocity) < 600],
        "Teff": teff,
        "log g": logg,
        "[M/H]": m_h,
        "log g residual": residual(teff, logg, m_h),
    }


def mock_values(directory):
    """The same of M giants of the simulated survey, from its catalogue and its truth."""
    table, truth = (pd.read_parquet(directory / f"{name}.parquet") for name in ("catalog", "truth"))
    giant = (truth["kind"] == "M giant").to_numpy() & table["k_mag"].between(4, 14).to_numpy()
    table, truth = table[giant], truth[giant]
    teff, logg, m_h = (truth[f"true_{name}"].to_numpy() for name in ("teff", "logg", "m_h"))
    colour = (table["j_mag"] - table["k_mag"]).to_numpy(float)
    excess = 0.4901 * truth["true_ebv"].to_numpy()
    _, glat = equatorial_to_galactic(truth["true_ra"].to_numpy(), truth["true_dec"].to_numpy())
    ordinary = (truth["oddity"] == "").to_numpy()
    repeats = table[ordinary].assign(seen=table["rv"][ordinary])
    return {
        "abs(b)": np.abs(glat),
        "E(J-K)": excess,
        "J-K": colour,
        "(J-K)0": colour - excess,
        "K": table["k_mag"].to_numpy(float),
        "S/N": table["snr"].to_numpy(float),
        "rv": truth["true_rv"].to_numpy(),
        "Teff": teff,
        "log g": logg,
        "[M/H]": m_h,
        "log g residual": residual(teff, logg, m_h),
        "repeats": pairs(repeats["star"].to_numpy(), repeats["seen"].to_numpy(float)),
    }


def real_repeats():
    """Velocities of repeats by the headers of the pilot survey, km/s over the root of two."""
    found = []
    for path in sorted((SHARED / "lamost_repeats").rglob("*.fits*")):
        header = fits.getheader(path)
        found.append((header["RA"], header["DEC"], float(redshift_to_velocity(header["Z"]))))
    ra, dec, velocity = np.array(found).T
    star = star_numbers(ra, dec, np.zeros(ra.size, np.int64))
    return pairs(star, velocity)


def pairs(star, velocity):
    """Differences of the first two observations of each star over the root of two."""
    frame = pd.DataFrame({"star": star, "rv": velocity}).dropna().groupby("star")["rv"]
    return np.array([np.diff(group.to_numpy()[:2])[0] for _, group in frame if len(group) > 1]) / np.sqrt(2.0)


def residual(teff, logg, m_h):
    """Log g less a quadratic in Teff and [M/H], fitted without outliers."""
    t = (teff - 3800.0) / 300.0
    terms = np.stack([np.ones_like(t), t, m_h, t * t, t * m_h, m_h * m_h], axis=1)
    used = np.ones(t.size, bool)
    for _ in range(4):
        fit = np.linalg.lstsq(terms[used], logg[used], rcond=None)[0]
        left = logg - terms @ fit
        used = np.abs(left) < 4.0 * 1.4826 * np.median(np.abs(left[used]))
    return left


def bands_by_colour(directory):
    """Median band indices of real giants of the Sagittarius stream and of simulated ones, in bins of (J-K)0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the file's units are no FITS units
        table = Table.read(SHARED / "sgr_mgiants_lamost_dr5_gaia_dr2.fits")
    real = {name: 1.0 - np.asarray(table[f"EW_{key}"], float) / 1e3 / WIDTHS[name] for name, key in KEYS.items()}
    excess = 0.4901 * np.asarray(table["ebv"], float)
    real["colour"] = np.asarray(table["Jmag_2mass"], float) - np.asarray(table["Kmag_2mass"], float) - excess
    used = np.asarray(table["snri"], float) > MIN_SNR
    mock, truth = (pd.read_parquet(directory / f"{name}.parquet") for name in ("catalog", "truth"))
    stream = ((truth["component"] == "sagittarius") & (truth["oddity"] == "")).to_numpy()
    simulated = {name: mock[name].to_numpy(float)[stream] for name in KEYS}
    simulated["colour"] = (mock["j_mag"] - mock["k_mag"]).to_numpy(float)[stream]
    simulated["colour"] -= 0.4901 * truth["true_ebv"].to_numpy()[stream]
    sides = {"real": {name: values[used] for name, values in real.items()}, "mock": simulated}
    rows = []
    for low, high in itertools.pairwise(COLOURS):
        row = {"(J-K)0": [low, high]}
        for side, values in sides.items():
            inside = (values["colour"] >= low) & (values["colour"] < high)
            row[side] = {"stars": int(inside.sum()), **{name: spread(values[name][inside])[1:4] for name in KEYS}}
        rows.append(row)
    return rows


def band_table():
    """Bands of each MaStar giant and of the simulated giant with its TiO5."""
    starlight = StarLight()
    teff = np.arange(3100.0, 4300.0, 20.0)
    m_h = np.full(teff.size, -0.2)
    labels = np.stack([teff, branch_gravity(teff, m_h), m_h, np.full(teff.size, 0.05)], axis=1)
    flux = starlight.rest_flux(Light.of(labels, np.zeros(teff.size)))
    simulated = band_ratios(starlight.rest_wavelength, flux, np.zeros(flux.shape, bool), BANDS)
    order = np.argsort(simulated["tio5"])
    rows = []
    for name in MASTAR_GIANTS:
        with fits.open(SHARED / "mastarhc_v2" / f"MaStarHC_{name}.fits.gz") as hdus:
            header, spectrum, bad = hdus[0].header, hdus[0].data[None], hdus[1].data[None] <= 0
        wavelength = 10.0 ** (header["CRVAL1"] + header["CDELT1"] * np.arange(spectrum.size))
        measured = {key: float(value[0]) for key, value in band_ratios(wavelength, spectrum, bad, BANDS).items()}
        alike = {
            key: float(np.interp(measured["tio5"], simulated["tio5"][order], value[order]))
            for key, value in simulated.items()
        }
        at = float(np.interp(measured["tio5"], simulated["tio5"][order], teff[order]))
        rows.append({"MaStar": name, "Teff": round(at), "real": rounded(measured), "mock": rounded(alike)})
    return rows


def rounded(values):
    return {key: round(value, 3) for key, value in values.items()}


def spread(values):
    """5th, 16th, 50th, 84th and 95th percentile."""
    return [round(float(value), 3) for value in np.nanpercentile(values, [5, 16, 50, 84, 95])]


def half_width(values):
    """Half of the central 68 per cent."""
    low, high = np.nanpercentile(values, [16, 84])
    return round(float(high - low) / 2.0, 3)


def draw(path, real, mock, bands):
    """Histograms of both, and the bands against TiO5."""
    names = [name for name in MEASURED if name in real and name in mock]
    figure = Figure(figsize=(15, 11), layout="constrained")
    axes = figure.subplots(4, 4).ravel()
    for place, name in zip(axes, names, strict=False):
        low, high = np.nanpercentile(np.concatenate([real[name], mock[name]]), [0.5, 99.5])
        bins = np.linspace(low, high, 40)
        for side, label in ((real, "real"), (mock, "simulated")):
            place.hist(side[name], bins, density=True, histtype="step", label=label)
        place.set_xlabel(name)
    axes[0].legend()
    for place, band in zip(axes[len(names) :], BANDS[1:], strict=False):
        for side, mark in (("real", "o"), ("mock", "-")):
            place.plot([row[side]["tio5"] for row in bands], [row[side][band.name] for row in bands], mark, label=side)
        place.set(xlabel="TiO5", ylabel=band.name)
    figure.savefig(path, dpi=80)
