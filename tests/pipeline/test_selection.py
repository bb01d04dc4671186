"""The selection of M giants: cuts, untested unknown values, reasons."""

import shutil

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from pipeline.config import RunConfig, load_config
from pipeline.domain.flags import QualityFlag
from pipeline.domain.settings import SelectionConfig
from pipeline.domain.wavelength import log_grid
from pipeline.products.product import Products
from pipeline.science.spectra.indices import band_ratios
from pipeline.science.spectra.resample import rebin
from pipeline.science.spectra.selection import (
    class_step,
    dwarf_tio5,
    selection_steps,
    summarise_steps,
    velocity_step,
)
from pipeline.sources.lamost_fits import read_spectrum
from pipeline.stages.runner import build
from pipeline.stages.selecting import select_giants
from pipeline.stages.state import BuildState

UNKNOWN = (
    "m_dwarfs_lamost/spec-57461-KP082157N144605V01_sp05-174.fits",
    "m_dwarfs_lamost/spec-58632-HD201303N115103V01_sp11-247.fits",
    "lamost_dr5_astrospectro/spec-55863-GAC_105N29_B1_sp01-006.fits.gz",
)
"""Real spectra whose header says CLASS = Unknown."""

GOOD = {
    "tio5": 0.55,
    "cah2_plus_cah3": 1.75,
    "jk0": 1.05,
    "w1w2": -0.08,
    "k0_mag": 10.0,
    "parallax": 0.1,
    "parallax_err": 0.05,
}


def select(**columns):
    size = max(len(values) for values in columns.values())
    arrays = {name: np.asarray(columns.get(name, [value] * size), float) for name, value in GOOD.items()}
    return summarise_steps(selection_steps(SelectionConfig(), **arrays))


def test_a_giant_is_kept_and_each_cut_drops_its_own():
    kept, why, counts = select(
        tio5=[0.55, 0.97, 0.62, 0.55, 0.55, 0.55],
        cah2_plus_cah3=[1.75, 1.97, 1.40, 1.75, 1.75, 1.75],
        w1w2=[-0.08, -0.08, -0.08, 0.2, -0.08, -0.08],
        parallax=[0.1, 0.1, 0.1, 0.1, 40.0, 40.0],
        parallax_err=[0.05, 0.05, 0.05, 0.05, 0.05, 20.0],
    )
    assert kept.tolist() == [True, False, False, False, False, True]
    assert why[0] == "kept: M type, giant bands, infrared colours, parallax"
    assert [text.split(":")[0] for text in why[1:5]] == [
        "dropped by M type",
        "dropped by giant bands",
        "dropped by infrared colours",
        "dropped by parallax",
    ]
    assert [step["dropped"] for step in counts] == [1, 1, 1, 1]
    assert [step["in"] for step in counts] == [6, 5, 4, 3]
    assert all(step["out"] == step["in"] - step["dropped"] for step in counts)


def test_what_is_unknown_is_not_held_against_a_star():
    kept, why, counts = select(tio5=[np.nan, np.nan], jk0=[1.0, np.nan], parallax=[np.nan, np.nan])
    assert kept.tolist() == [True, False]
    assert why.tolist() == ["kept: infrared colours", "not kept: no data to classify"]
    assert counts[0]["untested"] == 2


def test_bands_alone_need_a_wider_margin_the_more_so_the_deeper_they_are():
    n = 6
    cah = np.full(n, 1.9)
    off = np.array([0.12, 0.12, 0.12, 0.16, 0.19, 0.22])
    tio5 = dwarf_tio5(cah) - off
    deep = np.array([False, False, False, False, True, True])
    cah[deep] = 1.3
    tio5[deep] = dwarf_tio5(cah[deep]) - off[deep]
    unknown = np.full(n, np.nan)
    jk0, w1w2 = unknown.copy(), unknown.copy()
    parallax, error, k0 = unknown.copy(), unknown.copy(), unknown.copy()
    jk0[0], w1w2[0] = 1.0, 0.0
    parallax[1], error[1], k0[1] = 0.1, 0.1, 9.0
    steps = selection_steps(SelectionConfig(), tio5, cah, jk0, w1w2, k0, parallax, error)
    kept, why, _ = summarise_steps(steps)
    assert kept.tolist() == [True, True, False, True, False, True]
    assert why[2].startswith("dropped by giant bands")


def test_no_real_dwarf_and_every_real_giant_passes_on_its_bands_alone(shared_data):
    """57 M dwarfs of LAMOST and the M giants of MaStar: TiO5 and CaH at rest, without photometry."""
    window, unknown = log_grid(6750.0, 7200.0), np.full(1, np.nan)

    def passes(wavelength, flux, mask, rv):
        rest, _, dead = rebin(wavelength, flux[None], np.ones((1, flux.size)), mask[None], window, np.array([rv]))
        ratio = band_ratios(window, rest, dead)
        steps = selection_steps(
            SelectionConfig(), ratio["tio5"], ratio["cah2"] + ratio["cah3"], *(unknown for _ in range(5))
        )
        return bool(summarise_steps(steps)[0][0])

    dwarfs = []
    for path in sorted((shared_data / "m_dwarfs_lamost").glob("*.fits*")):
        star = read_spectrum(path)
        dwarfs.append(passes(star.wavelength, star.flux, star.mask, np.nan_to_num(star.meta["rv_input"])))
    assert len(dwarfs) == 57
    assert not any(dwarfs)
    for number in (0, 6, 8, 9, 12, 14, 26, 27, 29):
        flux = fits.getdata(shared_data / "mastarhc_v2" / f"MaStarHC_{number:02d}.fits.gz").astype(float)
        wavelength = 10.0 ** (3.5601 + 1e-4 * np.arange(flux.size))
        assert passes(wavelength, flux, np.zeros(flux.size, bool), 0.0), number


def test_galaxies_and_quasars_are_dropped_and_being_a_star_is_no_evidence():
    words = np.array(["STAR", " galaxy ", "QSO", "Unknown", "", "STAR", "Unknown"])
    step = class_step(words)
    assert step.tested.tolist() == [True, True, True, False, False, True, False]
    steps = selection_steps(SelectionConfig(), *(np.full(7, GOOD[name]) for name in GOOD))
    nothing = selection_steps(SelectionConfig(), *(np.full(7, np.nan) for _ in GOOD))
    kept, why, counts = summarise_steps([step, *steps])
    assert kept.tolist() == [True, False, False, True, True, True, True]
    assert why[0].startswith("kept: object class, M type")
    assert why[1] == "dropped by object class: the survey's class is GALAXY or QSO"
    assert counts[0] == {"step": "object class", "in": 7, "untested": 3, "dropped": 2, "out": 5}
    kept, why, _ = summarise_steps([step, *nothing])
    assert not kept.any()
    assert why[0] == why[3] == "not kept: no data to classify"


def test_a_spectrum_without_a_velocity_is_dropped_and_having_one_is_no_evidence():
    steps = selection_steps(SelectionConfig(), *(np.array([GOOD[name], np.nan, GOOD[name]]) for name in GOOD))
    kept, why, _ = summarise_steps([*steps, velocity_step(np.array([10.0, 10.0, np.nan]))])
    assert kept.tolist() == [True, False, False]
    assert why[1] == "not kept: no data to classify"
    assert why[2] == "dropped by velocity: no radial velocity could be measured in its spectrum"


def giant_in_lamost_layout(mean, target):
    """A mean spectrum of MaStar's as a LAMOST file of the image layout, S/N 50."""
    wavelength = 10.0 ** (3.5682 + 1e-4 * np.arange(3909))
    flux = fits.getdata(mean).astype(float)
    seen = np.interp(np.log10(wavelength), 3.5601 + 1e-4 * np.arange(flux.size), flux)
    noise = np.median(seen) / 50.0
    seen += np.random.default_rng(1).normal(0.0, noise, seen.size)
    rows = np.stack([seen, np.full(seen.size, noise**-2), wavelength, 0.0 * seen, 0.0 * seen])
    header = fits.Header({"COEFF0": 3.5682, "COEFF1": 1e-4, "CLASS": "STAR", "SUBCLASS": "M3", "LMJD": 55862})
    header.update({"PLANID": "B6212", "SPID": 6, "FIBERID": 74, "Z": 0.0, "RA": 80.0, "DEC": 30.0})
    fits.PrimaryHDU(rows.astype(np.float32), header).writeto(target)


def without_red_arm(path, target):
    """A copy whose pixels beyond 7900 Angstrom carry no information, as another fibre's."""
    with fits.open(path) as hdus:
        header, rows = hdus[0].header, np.array(hdus[0].data)
        wavelength = 10.0 ** (header["COEFF0"] + header["COEFF1"] * np.arange(rows.shape[1]))
        rows[1, wavelength > 7900.0] = 0.0
        header["FIBERID"] = 249
        fits.PrimaryHDU(rows, header).writeto(target)


def test_real_spectra_without_velocity_or_of_other_classes_are_not_selected(shared_data, tmp_path):
    folder = tmp_path / "spectra"
    folder.mkdir()
    whole = "giant.fits"
    giant_in_lamost_layout(shared_data / "mastarhc_v2" / "MaStarHC_26.fits.gz", folder / whole)
    without_red_arm(folder / whole, folder / "no_red_arm.fits")
    for name in ("lamost_dr5_astrospectro/spec-55862-B6202_sp07-005.fits.gz", *UNKNOWN):
        shutil.copy(shared_data / name, folder)
    (tmp_path / "run.toml").write_text('[input]\nkind = "lamost-fits"\nspectra = "spectra"\n')
    build(load_config(str(tmp_path / "run.toml")), tmp_path / "out", quiet=True)
    products = Products.open(tmp_path / "out")
    table = products.catalog.table.set_index("source_file")
    assert table.loc[whole, "selected"]
    assert table.loc[whole, "object_class"] == "STAR"
    lost = table.loc["no_red_arm.fits"]
    assert np.isnan(lost["rv"])
    assert np.isnan(lost["rv_peak"])
    assert lost["quality"] & QualityFlag.RV_DOUBTFUL
    assert not lost["selected"]
    assert lost["selection"].startswith("dropped by velocity")
    galaxy = table.loc["spec-55862-B6202_sp07-005.fits.gz"]
    assert galaxy["object_class"] == "GALAXY"
    assert np.isnan(galaxy["rv_input"])
    assert galaxy["selection"].startswith("dropped by object class")
    for name in UNKNOWN:
        unknown = table.loc[name.split("/")[1]]
        assert unknown["object_class"] == "Unknown"
        assert not unknown["selected"]
        assert "object class" not in unknown["selection"], "an unknown class is no test"
    steps = {step["step"]: step for step in products.report["selection"]}
    assert (steps["object class"]["untested"], steps["object class"]["dropped"]) == (len(UNKNOWN), 1)
    assert steps["velocity"]["dropped"] == 1


@pytest.mark.parametrize(("object_class", "known"), [("STAR", True), ("GALAXY", False), ("QSO", False), (None, True)])
def test_the_redshift_of_a_galaxy_is_no_velocity(tmp_path, object_class, known):
    rows = np.ones((5, 3000), np.float32)
    header = fits.Header({"OBSID": 5, "COEFF0": 3.57, "COEFF1": 1e-4, "Z": 0.001})
    if object_class:
        header["CLASS"] = object_class
    rows[3:] = 0.0
    fits.PrimaryHDU(rows, header).writeto(tmp_path / "s.fits")
    meta = read_spectrum(tmp_path / "s.fits").meta
    assert meta["object_class"] == (object_class or "")
    assert np.isfinite(meta["rv_input"]) == known


def test_the_sum_of_the_bands_is_made_where_only_the_two_are_brought(tmp_path):
    table = pd.DataFrame({"obsid": [1, 2], "tio5": [0.55, 0.62], "cah2": 0.8, "cah3": [0.95, 0.6]})
    state = BuildState(RunConfig("bands"), tmp_path, tmp_path, table)
    assert select_giants(state, lambda _fraction, _message: None) == 1
    np.testing.assert_allclose(state.table["cah_sum"], [1.75, 1.4])
    assert state.table["selection"][1].startswith("dropped by giant bands")


def test_the_real_dwarfs_of_the_plate_lie_on_their_locus_and_are_dropped(shared_data, tmp_path):
    (tmp_path / "run.toml").write_text(
        f'name = "plate"\n[input]\nkind = "lamost-fits"\nspectra = "{shared_data / "spectra"}"\n'
    )
    build(load_config(str(tmp_path / "run.toml")), tmp_path / "out", quiet=True)
    table = Products.open(tmp_path / "out").catalog.table
    cool = table[table["subclass"].str.startswith(("M", "dM")) & (table["snr_good"] > 20)]
    assert len(cool) >= 7
    off = dwarf_tio5(cool["cah_sum"].to_numpy(float)) - cool["tio5"].to_numpy(float)
    assert (np.abs(off) < 0.10).all()
    assert not cool["selected"].any()
    assert cool["selection"].str.startswith("dropped by giant bands").all()


def test_simulated_giants_are_kept(tiny):
    table: pd.DataFrame = Products.open(tiny).catalog.table
    cool = table[(table["teff"] < 3850) & (table["snr_good"] > 20)]
    assert cool["selected"].mean() > 0.8
    assert (table["selection"] != "").all()
