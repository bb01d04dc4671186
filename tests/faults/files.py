"""Thousands of damaged spectra and extreme header values in one build, beside good ones.

The build runs as its own process: its exit status, its peak memory (``ru_maxrss``) and its rejects are what is looked
at, and whether the good stars came out as in a build of the good files alone. Damaged are simulated spectra in every
layout, plain, gzipped and packed by fpack, and real ones where the shared data is there. A table gives the good stars
reference labels and every star photometry and astrometry, so that all stages run.
"""

import gzip
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.io import fits

from pipeline.mock.fits_layouts import LAYOUTS, write_lamost_fits
from pipeline.mock.survey import simulate
from tests.conftest import SHARED
from tests.pipeline.hostile_files import HEADER_EXTREMES, content

FUZZED, EXTREMES, GOOD, TRAINING = 10_000, 500, 100, 80
FEW = 20
"""With ``quick`` so many times fewer."""

SOURCES = 6
FIRST_OBSID = 7_000_000_000
MAX_MEGABYTES = 1500
"""Of a build of this many files; without any bad file it needs about 400."""

MAX_REASON = 400
TOLERANCE = 1e-4
"""Relative; the order in which a block of stars is added up depends on its size."""

OWN_ROW_ONLY = (
    *("obsid", "source_file", "ra", "dec", "glon", "glat", "snr", "snr_good", "masked_fraction", "rv", "rv_err"),
    *("rv_chi2_nu", "rv_ca8498", "rv_ca8542", "rv_ca8662", "tio5", "cah2", "cah3", "plan_id", "fiber_id", "lmjd"),
    *("teff", "logg", "m_h", "alpha_m", "chi2_nu", "distance", "x_gal", "v_phi", "j_r", "j_z", "energy"),
)
_OBSID = re.compile(rb"OBSID   = +\d+")
_PLACE = re.compile(rb"(RA      |DEC     )= [^/]{20}")


def main(*, quick):
    """Yield what one build among damaged files, and one among extreme headers and pixels, did."""
    share = FEW if quick else 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good = folder / "good"
        survey = simulate(GOOD, seed=11, training=TRAINING)
        for number, layout in enumerate(LAYOUTS):
            write_lamost_fits(survey, good, layout, np.arange(number, GOOD, len(LAYOUTS)))
        _write_table(folder / "stars.parquet", survey.table)
        expected, before = _built(folder, "good", good)
        if expected is None:
            raise RuntimeError(f"The build of the good files alone ended: {before['last']}")
        bad = folder / "bad"
        bad.mkdir()
        for path in good.iterdir():
            os.link(path, bad / path.name)
        originals = _originals(good)
        rng = np.random.default_rng(21)
        fuzzed, extremes = FUZZED // share, EXTREMES // share
        for number in range(fuzzed):
            _write_damaged(bad / f"{number // 1000:02d}", number, originals[number % len(originals)], rng)
        for number in range(extremes):
            (bad / f"extreme{number}.fits").write_bytes(_extreme(originals[0], number, rng))
        started = time.monotonic()
        found, child = _built(folder, "bad", bad)
        yield {
            "fault": "damaged and extreme files in one build",
            "tried": fuzzed + extremes,
            "survived": 0 if _harm(expected, found, folder, child) else fuzzed + extremes,
            "harm": _harm(expected, found, folder, child),
            "damaged": fuzzed,
            "extremes": extremes,
            "real_originals": sum(real for _, real in originals),
            "good_stars": len(expected),
            "stars": 0 if found is None else len(found),
            "rejects": _rejects(folder / "bad.out"),
            "peak_megabytes": child["megabytes"],
            "seconds_build": round(time.monotonic() - started, 1),
        }


def _write_table(path, table):
    """Reference labels of the good stars; photometry and astrometry of all."""
    names = [name for name in table.columns if name.endswith(("_mag", "_mag_err", "_ref", "_ref_err"))]
    names += ["parallax", "parallax_err", "pmra", "pmra_err", "pmdec", "pmdec_err", "bp_rp", "ref_bad"]
    kept = table[["obsid", *names]]
    copies = kept.take(np.arange(FUZZED + EXTREMES) % len(kept)).reset_index(drop=True)
    copies["obsid"] = FIRST_OBSID + np.arange(len(copies))
    references = [name for name in names if name.endswith(("_ref", "_ref_err"))]
    copies[references] = np.nan
    pd.concat([kept, copies], ignore_index=True).to_parquet(path)


def _originals(good):
    """Content of files to damage, each with whether it is real: every layout, plain, gzipped and packed."""
    made = [(path.read_bytes(), False) for path in sorted(good.iterdir())[:SOURCES]]
    made.append((gzip.compress(made[0][0], 1, mtime=0), False))
    with fits.open(next(path for path in sorted(good.iterdir()) if _is_image(path))) as hdus:
        for packing in ("RICE_1", "GZIP_2"):
            image = fits.CompImageHDU(hdus[0].data, header=hdus[0].header, compression_type=packing)
            made.append((content([fits.PrimaryHDU(), image]), False))
    if (SHARED / "spectra").is_dir():
        real = sorted(path for path in (SHARED / "spectra").rglob("*.fits*"))
        made += [(path.read_bytes(), True) for path in real[:: max(1, len(real) // SOURCES)]]
    return made


def _is_image(path):
    with fits.open(path) as hdus:
        return hdus[0].data is not None


def _write_damaged(folder, number, original, rng):
    """One damaged file of an identifier and a place of its own: as a repeat it would rightly change its star."""
    folder.mkdir(exist_ok=True)
    data, _ = original
    packed = data.startswith(b"\x1f\x8b")
    plain = gzip.decompress(data) if packed else data
    card = f"OBSID   = {FIRST_OBSID + number:>20}".encode()
    plain = _PLACE.sub(lambda found: _moved(found, number), _OBSID.sub(card, plain, count=1))
    if packed and number % 2:
        data = gzip.compress(damaged(plain, rng), 1, mtime=0)  # damage below a sound packing
    elif packed:
        data = damaged(gzip.compress(plain, 1, mtime=0), rng)
    else:
        data = damaged(plain, rng)
    (folder / f"spec-{number}.fits{'.gz' if packed else ''}").write_bytes(data)


def _moved(card, number):
    """The card RA or DEC of the place that this file gets: 0.02 degrees or more from every other."""
    keyword = card.group(1)
    degrees = (number % 200) * 1.8 if keyword.startswith(b"RA") else 20.0 + (number // 200) * 0.02
    return keyword + f"= {degrees:20.6f}".encode()


def damaged(content, rng):
    """Content with one of many kinds of damage: cut, bits flipped, cards edited, garbage, a hole, other byte order."""
    data = bytearray(content)
    kind = rng.integers(7)
    if kind == 0:
        return bytes(data[: rng.integers(len(data))])
    if kind == 1:
        for at in rng.integers(0, len(data), rng.integers(1, 60)):
            data[at] ^= 1 << int(rng.integers(8))
    elif kind == 2:
        for at in rng.integers(0, min(5760, len(data)), rng.integers(1, 12)):
            data[at] = int(rng.integers(32, 127))
    elif kind == 3:  # numbers in the header
        digits = [at for at in range(min(5760, len(data))) if 48 <= data[at] <= 57]
        for at in rng.choice(digits, min(len(digits), int(rng.integers(1, 8)))) if digits else []:
            data[at] = int(rng.choice(list(b"0123456789-.eE")))
    elif kind == 4:  # NaN, infinities, denormals among the numbers
        start = int(rng.integers(min(2880, len(data) - 1), len(data)))
        stop = min(len(data), start + int(rng.integers(4, 8000)))
        data[start:stop] = rng.bytes(stop - start)
    elif kind == 5:
        start, stop = sorted(rng.integers(0, len(data), 2))
        return bytes(data[:start] + data[stop:])
    else:
        start = int(rng.integers(len(data)) // 4 * 4)
        part = np.frombuffer(bytes(data[start : start + (len(data) - start) // 4 * 4]), ">u4").astype("<u4")
        data[start : start + part.nbytes] = part.tobytes()
    return bytes(data)


def _extreme(original, number, rng):
    """A sound spectrum with one extreme card."""
    cards = [(key, value) for key, values in HEADER_EXTREMES.items() for value in values]
    key, value = cards[number % len(cards)]
    with fits.open(io.BytesIO(original[0])) as hdus:
        header = hdus[0].header
        header["OBSID"] = FIRST_OBSID + FUZZED + number
        header["PLANID"], header["FIBERID"] = f"P{number}", number % 250
        header["RA"] = float(rng.uniform(0.0, 360.0))
        header[key] = value
        return content(list(hdus))


def _built(folder, name, spectra):
    """Catalogue of a build in its own process, None where it failed; exit status, peak memory, last line.

    ``spectral_colour``, ``sky_residuals`` and ``scale_errors`` are off: they are learned from all stars of a run, so
    the damaged change them.
    """
    output = folder / f"{name}.out"
    text = (
        f'name = "{name}"\n[[input.source]]\nspectra = {json.dumps(str(spectra))}\n'
        f'[[input.source]]\ntable = {json.dumps(str(folder / "stars.parquet"))}\nlabels = "reference"\n'
        "[labels]\nc_grid = [10.0]\ngamma_grid = [0.1]\nfolds = 3\nout_of_fold_models = 3\nmin_snr = 5.0\n"
        "[velocity]\nsky_residuals = false\nscale_errors = false\n"
        "[distance]\ndraws = 5\nspectral_colour = false\n[kinematics]\nmap_min_stars = 2\n"
    )
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    code = (
        "import json, resource, sys\nfrom pipeline.__main__ import main\n"
        "status = main(sys.argv[1:])\n"
        "used = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]\n"
        "print(json.dumps({'status': status, 'megabytes': max(used) // 1024}))\n"
    )
    command = [sys.executable, "-c", code, "build", str(folder / f"{name}.toml"), "--output", str(output), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    child = {"status": done.returncode, "megabytes": 0, "last": done.stderr[-500:]}
    if done.returncode == 0 and lines:
        child |= json.loads(lines[-1])
    path = output / "catalog.parquet"
    return (pd.read_parquet(path) if path.is_file() else None), child


def _harm(expected, found, folder, child):
    """What went wrong, in a sentence; "" when nothing did."""
    if child["status"] != 0 or found is None:
        return f"exit {child['status']}: {child['last']}"
    if child["megabytes"] > MAX_MEGABYTES:
        return f"{child['megabytes']} MB of memory"
    same = found[found["obsid"].isin(expected["obsid"])].set_index("obsid").loc[expected["obsid"]].reset_index()
    if difference := _difference(same, expected):
        return difference
    rejects = pd.read_parquet(folder / "bad.out" / "rejects.parquet")
    long = rejects["reason"].str.len().max()
    return f"a reason of {long} characters" if long > MAX_REASON else ""


def _difference(found, expected):
    """How good stars came out otherwise, in a sentence; "" when they are the same."""
    worst = []
    for name in OWN_ROW_ONLY:
        ours, theirs = found[name], expected[name]
        if ours.dtype.kind != "f":
            if not ours.equals(theirs):
                worst.append(f"{name} differs")
            continue
        other = ~np.isclose(ours, theirs, rtol=TOLERANCE, atol=0.0, equal_nan=True)
        if other.any():
            worst.append(f"{name} of {int(other.sum())} stars by up to {np.nanmax(np.abs(ours / theirs - 1.0)):.2g}")
    return f"good stars differ: {'; '.join(worst)}" if worst else ""


def _rejects(output):
    path = output / "rejects.parquet"
    return pd.read_parquet(path)["code"].value_counts().to_dict() if path.is_file() else {}
