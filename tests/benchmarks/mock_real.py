"""The embedded survey's spectra beside real ones of like type: bands and lines as distributions, and a picture.

Give the products of ``python -m pipeline build paper`` and of ``build real-spectra``. Real M giants are those of the
shared table of Sagittarius giants, whose indices others measured, against the simulated ones of the stream. No spectrum
of an M giant is among the real ones: M dwarfs stand for them, each with simulated dwarfs of like bands.
"""

import argparse
import json
import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.table import Table
from matplotlib.figure import Figure
from scipy.spatial import cKDTree

from pipeline.domain.wavelength import air_to_vacuum
from pipeline.products.spectra import SpectrumStore

LIKE = 5
MIN_SNR = 30.0
BANDS = ["tio5", "cah2", "cah3"]
KEYS = {"tio5": "TiO5", "cah2": "CaH2", "cah3": "CaH3"}
MEASURED = [*BANDS, "calcium", "sodium"]
WIDTHS = {"tio5": 9.0, "cah2": 32.0, "cah3": 30.0}
SODIUM = (((5876.875, 5909.375), (5860.625, 5875.675), (5922.125, 5948.125)),)
CALCIUM = (
    ((8484.0, 8513.0), (8474.0, 8484.0), (8563.0, 8577.0)),
    ((8522.0, 8562.0), (8474.0, 8484.0), (8563.0, 8577.0)),
    ((8642.0, 8682.0), (8619.0, 8642.0), (8700.0, 8725.0)),
)
"""Lick Na D; the Ca II triplet of Cenarro et al. (2001, MNRAS 326, 959) with its nearest side windows, air."""


def main(arguments):
    """Print one JSON line a sample and write the picture."""
    parser = argparse.ArgumentParser(prog="mock_real")
    parser.add_argument("mock", type=Path, help="product directory of the embedded survey")
    parser.add_argument("real", type=Path, help="product directory of real-spectra")
    parser.add_argument("--picture", type=Path, default=Path("mock_real.png"))
    options = parser.parse_args(arguments)
    mock, real = measured(options.mock), measured(options.real)
    truth = pd.read_parquet(options.mock / "truth.parquet")
    ordinary = (truth["oddity"] == "").to_numpy()
    stream = (truth["component"] == "sagittarius").to_numpy() & ordinary & mock["subclass"].str.startswith("gM")
    known = stream_giants()
    tell("M giants of the Sagittarius stream", known, mock.loc[stream, list(known)].to_numpy())
    seen = real[real["subclass"].str.match(r"d?M") & (real["snr"] > 0.3 * MIN_SNR)].dropna(subset=MEASURED)
    dwarfs = mock[(truth["kind"] == "M dwarf").to_numpy()].dropna(subset=MEASURED)
    nearest = cKDTree(dwarfs[BANDS]).query(seen[BANDS], k=LIKE)[1]
    tell("M dwarfs, matched by their bands", seen[MEASURED], dwarfs[MEASURED].to_numpy()[nearest.ravel()])
    draw(options, [(star, twin(star, dwarfs)) for _, star in seen.sort_values("snr")[-4:].iterrows()])


def measured(directory):
    """The catalogue with equivalent widths of Ca II and Na D in Angstrom."""
    table = pd.read_parquet(directory / "catalog.parquet")
    store = SpectrumStore(directory)
    found = [store.get(obsid) for obsid in table["obsid"]]
    for name, features in (("calcium", CALCIUM), ("sodium", SODIUM)):
        table[name] = [sum(width(one, *windows) for windows in features) for one in found]
    return table


def width(spectrum, feature, blue, red):
    """Equivalent width below the line through two side windows, Angstrom."""
    flux = np.where(spectrum.mask, np.nan, spectrum.flux * spectrum.continuum).astype(float)
    side = [inside(spectrum.wavelength, window) for window in (blue, red)]
    place = [spectrum.wavelength[part].mean() for part in side]
    chosen = inside(spectrum.wavelength, feature)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a window without a good pixel is NaN
        level = [np.nanmean(flux[part]) for part in side]
        base = np.interp(spectrum.wavelength[chosen], place, level)
        return float(np.nanmean(1.0 - flux[chosen] / base) * (feature[1] - feature[0]))


def inside(wavelength, window):
    low, high = air_to_vacuum(window)
    return (wavelength > low) & (wavelength < high)


def stream_giants():
    """Indices of real M giants of good S/N; the table has equivalent widths in milli-Angstrom."""
    path = Path(os.environ["MGIANT_DATA"]) / "sgr_mgiants_lamost_dr5_gaia_dr2.fits"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the file's units are no FITS units
        table = Table.read(path)
    late = np.array([str(name).strip().startswith("M") for name in table["subclass"]])
    good = late & (np.asarray(table["snri"], float) > MIN_SNR)
    real = {name: 1.0 - np.asarray(table[f"EW_{key}"], float)[good] / 1e3 / WIDTHS[name] for name, key in KEYS.items()}
    return pd.DataFrame(real | {"sodium": np.asarray(table["EW_NaD"], float)[good] / 1e3})


def tell(sample, real, mock):
    """Percentiles of each index of the real stars and of the simulated ones, one JSON line each."""
    for name, simulated in zip(real, mock.T, strict=True):
        numbers = {"stars": len(real), "real": spread(real[name]), "simulated": len(mock), "mock": spread(simulated)}
        print(json.dumps({"benchmark": "mock_real", "sample": sample, "index": name} | numbers))


def spread(values):
    """16th, 50th and 84th percentile."""
    return [round(float(value), 3) for value in np.nanpercentile(values, [16, 50, 84])]


def twin(star, simulated):
    """The simulated star of nearest bands and S/N."""
    names, scale = [*BANDS, "snr"], np.array([0.02, 0.02, 0.02, 15.0])
    nearest = cKDTree(simulated[names] / scale).query(star[names].to_numpy(float) / scale)[1]
    return simulated.iloc[nearest]


def draw(options, pairs):
    """Each real spectrum over its simulated twin."""
    figure = Figure(figsize=(15, 3.2 * len(pairs)), layout="constrained")
    stores = SpectrumStore(options.real), SpectrumStore(options.mock)
    for axes, pair in zip(figure.subplots(len(pairs), 1, sharex=True), pairs, strict=True):
        for offset, (store, star) in enumerate(zip(stores, pair, strict=True)):
            one = store.get(int(star["obsid"]))
            flux = np.where(one.mask, np.nan, one.flux * one.continuum)
            flux /= np.nanmedian(flux[one.wavelength > 8000])
            origin = "simulated" if offset else "real"
            text = f"{origin} {star['subclass']}, S/N {star['snr']:.0f}, TiO5 {star['tio5']:.2f}"
            axes.plot(one.wavelength, flux - 0.45 * offset, lw=0.6, label=text)
        axes.legend(loc="upper left", fontsize=8)
        axes.set(ylim=(-0.5, 1.8), ylabel="relative flux")
    axes.set_xlabel("vacuum wavelength [Angstrom]")
    figure.savefig(options.picture, dpi=90)
