"""Velocities on real spectra: bias, scatter, pulls, bits; against headers, Ca II centroids, repeats, known shifts.

``velocities DIR [CASE ...]`` builds each case in DIR from the shared data and prints one JSON line a group of stars:

plate     the plate of 2011 whose sky subtraction is poor, by spectral class
shifted   the same with the red arm's wavelength scale 100 km/s off
repeats   A to K stars that were observed twice or more
night     a night on which one spectrograph's red arm was shifted for real, with a galaxy among the spectra
library   MaStar means and real M dwarfs on LAMOST's grid at S/N 20 and 60, at five velocities each
"""

import argparse
import json
import os
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd
from astropy.io import fits

from pipeline.config import VelocityConfig, load_config
from pipeline.domain.statistics import robust_scatter
from pipeline.domain.wavelength import C_KMS, air_to_vacuum, doppler_factor, log_grid
from pipeline.products.product import Products
from pipeline.sources.lamost_fits import find_spectra, read_spectra
from pipeline.stages.runner import build

DATA = Path(os.environ.get("MGIANT_DATA", Path(__file__).parents[3] / "shared" / "data"))
CASES = ("plate", "shifted", "repeats", "night", "library")
VELOCITY_BITS = (8, 9, 15, 19, 20, 21, 22)
LINES = air_to_vacuum((8542.09, 8662.14))
SHIFT_KMS, JOIN = 100.0, 5900.0
PLATE = "B6212"
ADDED_KMS = (-220.0, -90.0, 0.0, 70.0, 180.0)
SNRS = (20, 60)
GIANTS = (0, 6, 8, 9, 12, 14, 26, 27, 29, 30)
DWARFS = (2, 3, 17, 22, 23)


def main(arguments):
    """Build the cases and print their lines."""
    parser = argparse.ArgumentParser(prog="velocities")
    parser.add_argument("directory", type=Path)
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], default=[])
    options = parser.parse_args(arguments)
    for case in options.cases or CASES:
        folder = options.directory / case
        folder.mkdir(parents=True, exist_ok=True)
        globals()[f"run_{case}"](folder)


def run_plate(folder):
    """The plate of 2011 against the header and the centroids of Ca II."""
    stars = built(folder, DATA / "spectra")
    judge("plate", stars[stars.plan_id == PLATE], read(DATA / "spectra"))


def run_shifted(folder):
    """Real spectra of which one plate's red arm is 100 km/s off."""
    target = folder / "spectra"
    target.mkdir(exist_ok=True)
    for found in read(DATA / "spectra").values():
        if found.meta["snr"] < 20 or not np.isfinite(found.meta["rv_input"]):
            continue
        wave, flux = found.wavelength, found.flux
        if found.meta["plan_id"] == PLATE:
            seen = np.where(wave > JOIN, wave / doppler_factor(SHIFT_KMS), wave)
            flux = np.interp(seen, wave, found.flux)
        write(target / found.meta["source_file"].removesuffix(".gz"), found, wave, flux, found.ivar, found.mask)
    stars = built(folder, target)
    for name, some in (("moved", stars.plan_id == PLATE), ("left alone", stars.plan_id != PLATE)):
        tell(f"shifted: {name}", stars[some], stars[some].rv_input)


def run_repeats(folder):
    """Repeated observations: pulls of formal and of scaled errors."""
    stars = built(folder, DATA / "lamost_repeats")
    for name, error in (("formal", "rv_formal_err"), ("scaled", "rv_err"), ("blue", "rv_blue_err")):
        value = "rv_blue" if name == "blue" else "rv"
        if error in stars:
            some = stars[np.isfinite(stars[value])]
            pulls, apart = pair_pulls(some, value, error)
            said = {"pairs": pulls.size, "scatter": rounded(robust_scatter(apart) / np.sqrt(2.0))}
            said |= {"pull": rounded(robust_scatter(pulls)), "beyond_3": rounded(np.mean(np.abs(pulls) > 3.0), 3)}
            show(f"repeats: {name}", said | {"median_error": rounded(some[error].median())})
    tell("repeats against the header", stars, stars.rv_input)


def run_night(folder):
    """Two nights of 2011: spectrograph 1 of the first was shifted."""
    stars = built(folder, DATA / "lamost_dr5_astrospectro")
    shifted = (stars.lmjd == 55862) & (stars.spectrograph_id == 1)
    tell("night: shifted spectrograph", stars[shifted], stars[shifted].rv_input)
    tell("night: others", stars[~shifted], stars[~shifted].rv_input)
    other = stars.object_class.isin(["GALAXY", "QSO"])
    show("night: galaxies", {"stars": int(other.sum()), "selected": int((other & stars.selected).sum())})


def run_library(folder):
    """MaStar means, each by templates without it, and real M dwarfs."""
    halves = [GIANTS[::2], GIANTS[1::2]]
    rng = np.random.default_rng(22)
    stars = []
    for number, (tested, others) in enumerate((halves, halves[::-1])):
        place = folder / f"half_{number}"
        (place / "templates").mkdir(parents=True, exist_ok=True)
        (place / "spectra").mkdir(exist_ok=True)
        for one in others:
            name = mean_name(one)
            (place / "templates" / name).write_bytes((DATA / "mastarhc_v2" / name).read_bytes())
        for one in (*tested, *(DWARFS if number == 0 else ())):
            kind = "giant" if one in GIANTS else "dwarf"
            write_library(place / "spectra", f"{kind}_{one:02d}", *mean(one), rng)
        if number == 0:
            for name, found in read(DATA / "m_dwarfs_lamost").items():
                write_library(
                    *(place / "spectra", f"mdwarf_{name[5:-5]}", found.wavelength, found.flux),
                    *(rng, found.meta["rv_input"], found.ivar, found.mask),
                )
        stars.append(built(place, place / "spectra", 'extra_templates = "templates"'))
    table = pd.concat(stars, ignore_index=True)
    for kind in ("giant", "dwarf", "mdwarf"):
        for snr in SNRS:
            names = table.source_file
            some = table[names.str.startswith(kind) & names.str.contains(f"_sn{snr}_")]
            tell(f"library: {kind}, S/N {snr}", some, some.rv_input)
            if kind == "giant":
                late = some.tio5 < 0.5
                tell(f"library: {kind}, S/N {snr}, later than M4", some[late], some.rv_input[late])


def built(folder, spectra, velocity=""):
    """Table of a build, in the order of its rows."""
    velocity = velocity if velocity.split(" ")[0] in VelocityConfig.__dataclass_fields__ else ""
    (folder / "run.toml").write_text(
        f'name = "{folder.name}"\n[input]\nkind = "lamost-fits"\nspectra = "{spectra}"\n[velocity]\n{velocity}\n'
        "[kinematics]\nmembership = false\nactions = false\n"
    )
    build(load_config(str(folder / "run.toml")), folder / "out", quiet=True)
    return Products.open(folder / "out").catalog.table


def read(folder):
    """Spectra of a folder by the name of their file."""
    kept = {}
    for path, found in read_spectra(find_spectra(folder)):
        if not isinstance(found, Exception):
            kept[path.name] = found
    return kept


def judge(title, stars, spectra):
    """By class: against the header, and for K and M stars against the centroids of Ca II."""
    classes = stars.subclass.str.removeprefix("d").str[0]
    for letter in "AFGKM":
        some = stars[classes == letter]
        tell(f"{title}: {letter} against the header", some, some.rv_input)
        if letter in "KM":
            centre, error = np.array([centroid(spectra[name]) for name in some.source_file]).T
            tell(f"{title}: {letter} against Ca II centroids", some, centre, error)
    hot = stars[classes.isin(["A", "F", "G", "K"])]
    tell(f"{title}: A to K", hot, hot.rv_input)


def centroid(found):
    """Velocity of Gaussians at the two strong Ca II lines over local straight lines, and its error; no template."""
    trial = np.arange(-400.0, 401.0, 4.0)
    weight, gain = np.where(found.mask, 0.0, found.ivar), np.zeros(trial.size)
    for k, velocity in enumerate(trial):
        for line in LINES * doppler_factor(velocity):
            near = np.abs(found.wavelength - line) < 16.0
            x, w, y = found.wavelength[near] - line, weight[near], found.flux[near]
            line_and_base = np.stack([np.ones(x.size), x, np.exp(-0.5 * (x / 3.2) ** 2)], axis=1)
            full, depth = squares(line_and_base, w, y)
            gain[k] += full - squares(line_and_base[:, :2], w, y)[0] if depth < 0 else 0.0
    best = int(gain.argmax())
    if not 2 <= best < trial.size - 2 or gain[best] <= 9.0:
        return np.nan, np.nan
    near = slice(best - 2, best + 3)
    a, b, _ = np.polyfit(trial[near], -gain[near], 2)
    return (-b / (2.0 * a), 1.0 / np.sqrt(a)) if a > 0 else (np.nan, np.nan)


def squares(design, w, y):
    """How much a weighted fit explains, and its last coefficient."""
    normal = design.T @ (design * w[:, None]) + 1e-12 * np.eye(design.shape[1])
    right = design.T @ (w * y)
    found = np.linalg.solve(normal, right)
    return float(right @ found), float(found[-1])


def pair_pulls(stars, value, error):
    """Differences of all pairs of observations of one star, in their errors and in km/s."""
    pulls, apart = [], []
    for _, some in stars.groupby("star"):
        v, e = some[value].to_numpy(float), some[error].to_numpy(float)
        for a in range(len(v)):
            for b in range(a):
                apart.append(v[a] - v[b])
                pulls.append(apart[-1] / np.hypot(e[a], e[b]))
    return np.array(pulls), np.array(apart)


def tell(title, stars, truth, truth_error=0.0):
    """Bias, scatter, pulls, and which of the stars that are off by more than 5 sigma have a velocity bit."""
    rv, error, truth = (np.asarray(one, float) for one in (stars.rv, stars.rv_err, truth))
    quality = stars.quality.to_numpy(np.int64)
    bits = {bit: (quality >> bit) & 1 > 0 for bit in VELOCITY_BITS}
    flagged = np.any(list(bits.values()), axis=0)
    known = np.isfinite(rv) & np.isfinite(truth)
    apart, pull = (rv - truth)[known], ((rv - truth) / np.hypot(error, truth_error))[known]
    off = np.zeros(len(rv), bool)
    off[known] = np.abs(pull) > 5.0
    if not known.any():
        show(title, {"stars": len(stars), "measured": 0})
        return
    said = {"stars": len(stars), "measured": int(known.sum()), "bias": rounded(np.median(apart))}
    said |= {"scatter": rounded(robust_scatter(apart)), "pull_bias": rounded(np.median(pull))}
    said |= {"pull": rounded(robust_scatter(pull)), "median_error": rounded(np.median(error[known]))}
    said |= {"off_5_sigma": int(off.sum()), "of_them_flagged": int((off & flagged).sum())}
    said |= {"others_flagged": int((~off & known & flagged).sum()), "selected": int(stars.selected.sum())}
    said["bits"] = {bit: int(one.sum()) for bit, one in bits.items() if one.any()}
    show(title, said)


def rounded(value, digits=2):
    """A float for JSON."""
    return round(float(value), digits)


def show(title, said):
    """One line."""
    print(json.dumps({"benchmark": "velocities", "case": title, **said}), flush=True)


def mean_name(number):
    """File of a MaStar mean."""
    return f"MaStarHC_{number:02d}.fits.gz"


def mean(number):
    """Wavelengths and flux of a MaStar mean."""
    with fits.open(DATA / "mastarhc_v2" / mean_name(number)) as hdus:
        header, flux = hdus[0].header, np.asarray(hdus[0].data, float)
    return 10.0 ** (header["CRVAL1"] + header["CDELT1"] * np.arange(flux.size)), flux


def write_library(folder, name, wavelength, flux, rng, rv=0.0, ivar=None, mask=None):
    """A spectrum at five velocities and two S/N, on LAMOST's grid."""
    grid = log_grid(3700.0, 9095.0)
    for added in ADDED_KMS:
        at = grid / doppler_factor(added)
        moved = np.interp(at, wavelength, flux)
        dead = np.zeros(grid.size, bool) if mask is None else np.interp(at, wavelength, mask.astype(float)) > 0
        own = np.zeros(grid.size) if ivar is None else 1.0 / np.maximum(np.interp(at, wavelength, ivar), 1e-30)
        level = max(float(np.median(moved[(grid > 8000) & (grid < 8950)])), 1e-9)
        for snr in SNRS:
            wanted = np.maximum(moved, 0.02 * level) * level / snr**2
            noise = np.sqrt(np.maximum(wanted - own, 0.0))
            seen = moved + rng.normal(size=grid.size) * noise
            header = {"PLANID": f"SN{snr}", "SPID": 1, "LMJD": 57000, "CLASS": "STAR"}
            header |= {"Z": (rv + added) / C_KMS} if np.isfinite(rv) else {}
            save(folder / f"{name}_sn{snr}_{added:+.0f}.fits", header, grid, seen, 1.0 / np.maximum(own, wanted), dead)


def write(path, found, wavelength, flux, ivar, mask):
    """A spectrum in LAMOST's table layout with the header of another."""
    names = (("PLANID", "plan_id"), ("SPID", "spectrograph_id"), ("FIBERID", "fiber_id"), ("LMJD", "lmjd"))
    header = {key: found.meta[name] for key, name in (*names, ("SUBCLASS", "subclass"), ("RA", "ra"), ("DEC", "dec"))}
    header |= {"OBSID": found.obsid, "Z": found.meta["rv_input"] / C_KMS, "CLASS": found.meta["object_class"]}
    save(path, header, wavelength, flux, ivar, mask)


def save(path, header, wavelength, flux, ivar, mask):
    """Write a file of the table layout."""
    marks = np.asarray(mask, float)
    values = (("FLUX", flux), ("IVAR", ivar), ("WAVELENGTH", wavelength), ("ANDMASK", marks), ("ORMASK", marks))
    size = len(wavelength)
    columns = [fits.Column(name, f"{size}{'D' if name == 'WAVELENGTH' else 'E'}", array=[one]) for name, one in values]
    primary = fits.PrimaryHDU()
    number = crc32(path.stem.encode())
    primary.header.update({"OBSID": number, "RA": number * 360.0 / 2**32, "DEC": 10.0} | header)
    fits.HDUList([primary, fits.BinTableHDU.from_columns(columns, name="COADD")]).writeto(path, overwrite=True)
