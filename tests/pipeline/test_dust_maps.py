"""Real dust maps through their libraries, on small files in the published formats."""

import dataclasses
import sys

import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits

from pipeline.config import load_config
from pipeline.science.space.ages import SingleAge
from pipeline.science.space.distance import DistanceSettings, Giants, estimate_distances
from pipeline.science.space.dust import BAND_COEFFICIENTS, ExponentialDisc
from pipeline.science.space.isochrones import ColourLaw
from pipeline.sources.dust_maps import GREEN_2019, DustMapError, GriddedMap, open_dust_map
from pipeline.stages.distances import configured_dust, measure_distances
from pipeline.stages.sky import galactic_coordinates
from pipeline.stages.state import BuildState

SAYS = "the extra 'dust' is not installed (pip install -e '.[dust]')"
h5py = pytest.importorskip("h5py", reason=SAYS)
healpy = pytest.importorskip("healpy", reason=SAYS)
bayestar = pytest.importorskip("dustmaps.bayestar", reason=SAYS)
mwdust = pytest.importorskip("mwdust", reason=SAYS)

MODULI = {"bayestar2015": np.linspace(4, 19, 31), "bayestar2017": np.linspace(4, 19, 31)}
FINE = np.linspace(4, 18.875, 120)  # of Bayestar2019 and Combined19
STEEP, FLAT, SOUTH = (120.0, 30.0), (30.0, 60.0), (300.0, -60.0)
"""Sightlines (l, b): in a large pixel of the small maps, in a small pixel, in none."""


def ramp(modulus, slope):
    """E(B-V) of a pixel: 0.02 at the first node, ``slope`` a magnitude of distance modulus beyond."""
    return 0.02 + slope * (modulus - modulus[0])


def tree(path, modulus, dtype="f4", **datasets):
    """The pixels of two sizes that all these maps have in common."""
    names = ("nside", "healpix_index", "converged", "DM_reliable_min", "DM_reliable_max")
    pixels = np.zeros(2, list(zip(names, ("u4", "u8", "u1", "f4", "f4"), strict=True)))
    pixels["nside"] = 4, 8
    pixels["healpix_index"] = [
        healpy.ang2pix(nside, *place, nest=True, lonlat=True) for nside, place in ((4, STEEP), (8, FLAT))
    ]
    pixels["DM_reliable_min"], pixels["DM_reliable_max"] = (6.0, 6.0), (14.0, np.nan)
    with h5py.File(path, "w") as file:
        file["pixel_info"] = pixels
        file["pixel_info"].attrs["DM_bin_edges"] = modulus
        file["best_fit"] = np.array([ramp(modulus, 0.08), ramp(modulus, 0.01)], dtype)
        for name, values in datasets.items():
            file[name] = values
    return path


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps")
    for name in ("bayestar2019", "bayestar2017", "bayestar2015"):
        modulus = MODULI.get(name, FINE)
        tree(folder / f"{name}.h5", modulus, samples=np.full((2, 5, modulus.size), np.nan, "f4"))
    tree(folder / "combine19.h5", FINE, "f8")
    return folder


@pytest.mark.parametrize("choice", ["bayestar2019", "bayestar2017", "bayestar2015", "combined19", "green19"])
def test_trees_of_pixels_give_what_a_hand_computes(maps, choice):
    dust = open_dust_map(choice, maps)
    glon, glat = np.transpose([STEEP, FLAT, SOUTH])
    first, last = dust.nodes_kpc[[0, -1]]
    assert first == pytest.approx(10 ** (0.2 * 4 - 2))
    distance = np.array([0.0, first / 4, first, 1.0, 3.3, 10.0, last, 3 * last])
    modulus = np.clip(5 * np.log10(100 * np.maximum(distance, first)), 4, 5 * np.log10(100 * last))
    by_hand = np.array([0.02 + slope * (modulus - 4) for slope in (0.08, 0.01)]) * np.minimum(distance / first, 1)
    found = dust.reddening_profile(glon, glat, distance)
    np.testing.assert_allclose(found[:2], by_hand, atol=2e-6)
    assert np.isnan(found[2]).all()
    for column, one in enumerate(distance):
        np.testing.assert_allclose(dust.reddening(glon, glat, one), found[:, column], rtol=1e-12)


def test_every_map_has_its_own_coefficients(maps):
    coefficients = {
        name: open_dust_map(name, maps).coefficients for name in ("bayestar2019", "bayestar2017", "green19")
    }
    assert coefficients["bayestar2019"] == coefficients["green19"] == GREEN_2019
    assert {band: BAND_COEFFICIENTS[band] for band in GREEN_2019} == GREEN_2019
    assert coefficients["bayestar2017"]["Ks"] == 0.161
    sfd_scale = [open_dust_map(name, maps).coefficients["J"] for name in ("bayestar2015", "combined19")]
    assert sfd_scale == [0.723, 0.723]


def test_how_far_each_sightline_is_reliable(maps):
    glon, glat = np.transpose([STEEP, FLAT, SOUTH])
    np.testing.assert_allclose(open_dust_map("bayestar2019", maps).reach_kpc(glon, glat), [10**0.8, 0.0, np.nan])
    np.testing.assert_allclose(
        open_dust_map("combined19", maps).reach_kpc(glon, glat), [59.57, 59.57, np.nan], rtol=1e-4
    )
    assert np.isinf(ExponentialDisc().reach_kpc(glon, glat)).all()


def test_the_libraries_own_answers_agree(maps):
    rng = np.random.default_rng(3)
    glon, glat = rng.uniform(0, 360, 20_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 20_000)))
    near = healpy.ang2vec(glon, glat, lonlat=True) @ healpy.ang2vec(*STEEP, lonlat=True)
    glon, glat = glon[near > 0.97], glat[near > 0.97]
    distance = 10 ** rng.uniform(-1, 1.7, glon.size)
    query = bayestar.BayestarQuery(str(maps / "bayestar2019.h5"))
    theirs = query(SkyCoord(glon, glat, distance=distance, unit=("deg", "deg", "kpc"), frame="galactic"), mode="best")
    ours = open_dust_map("bayestar2019", maps).reddening(glon, glat, distance)
    assert 0.1 < np.isfinite(ours).mean() < 0.9
    np.testing.assert_allclose(ours, theirs, atol=3e-6)
    green = open_dust_map("green19", maps)  # also points the library at this folder
    np.testing.assert_allclose(green.reddening(glon, glat, distance), ours, atol=3e-6)
    public = type("Local", (mwdust.Green19,), {"download": classmethod(lambda _cls: None)})()
    np.testing.assert_allclose(public(glon, glat, distance), ours, atol=3e-6)


def test_the_anticentre_map_is_converted_once(tmp_path):
    distances = np.arange(30) * 0.15
    table = np.hstack([[[180.0, 0.0], [180.5, 0.0]], np.outer([1.0, 2.0], distances), np.full((2, 30), 0.1)])
    np.savetxt(tmp_path / "chen2014map.dat", table, header="l b A_r(30) err(30)", comments="")
    dust = open_dust_map("chen2014", tmp_path)
    found = dust.reddening_profile([180.05, 180.45, 90.0], [0.0, 0.0, 0.0], [0.05, 0.2, 1.0, 4.35, 9.0])
    np.testing.assert_allclose(found[0], [0.05, 0.2, 1.0, 4.35, 4.35], atol=1e-5)
    np.testing.assert_allclose(found[1], 2 * found[0], rtol=1e-5)
    assert np.isnan(found[2]).all()
    assert dust.coefficients["Ks"] == pytest.approx(0.1325, abs=1e-4)
    (tmp_path / "chen2014map.dat").write_text("not read again")
    again = open_dust_map("chen2014", tmp_path / "chen2014map.dat")
    assert again.reach_kpc([180.0], [0.0]) == pytest.approx(4.35)


def test_sfd_is_the_whole_column_at_every_distance(tmp_path):
    half = 32  # Lambert's equal-area projection of SFD (1998), appendix C, on 64 pixels a side
    for sign, pole in ((1, "ngp"), (-1, "sgp")):
        image = np.tile(np.arange(2.0 * half), (2 * half, 1)) if sign > 0 else np.full((2 * half, 2 * half), 5.0)
        header = fits.Header({"CTYPE1": "GLON-ZEA", "CTYPE2": "GLAT-ZEA", "CRVAL1": 90.0, "CRVAL2": sign * 90.0})
        scale = np.degrees(np.sqrt(2)) / half
        header.update({"CRPIX1": half + 0.5, "CRPIX2": half + 0.5, "LONPOLE": 180.0})
        header.update({"CD1_1": -sign * scale, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": sign * scale})
        fits.writeto(tmp_path / f"SFD_dust_4096_{pole}.fits", image.astype("f4"), header)
    dust = open_dust_map("sfd", tmp_path)
    glon, glat = np.array([10.0, 130.0, 200.0]), np.array([70.0, 20.0, -40.0])
    x = half * np.sqrt(1 - np.sin(np.radians(glat))) * np.cos(np.radians(glon)) + half - 0.5
    found = dust.reddening_profile(glon, glat, [0.1, 1.0, 100.0])
    np.testing.assert_allclose(found[:2], np.repeat(x[:2, None], 3, axis=1), atol=2e-3)
    np.testing.assert_allclose(found[2], 5.0)
    assert "upper limit" in dust.name


def test_missing_distances_and_odd_shapes(maps):
    dust = open_dust_map("bayestar2019", maps)
    assert np.shape(dust.reddening(*STEEP, 1.0)) == ()
    found = dust.reddening(*STEEP, [np.nan, -1.0, 0.0, 1.0])
    assert np.isnan(found[:2]).all()
    assert found[2] == 0
    assert found[3] > 0
    assert dust.reddening(np.array([]), np.array([]), np.array([])).shape == (0,)


def test_what_is_missing_names_the_remedy(maps, tmp_path, monkeypatch):
    with pytest.raises(DustMapError, match="Did you mean 'bayestar2019'"):
        open_dust_map("bayestar19", maps)
    with pytest.raises(
        DustMapError, match=r"needs .*bayestar2017\.h5, which is missing.*fetch dust --map bayestar2017"
    ):
        open_dust_map("bayestar2017", tmp_path / "bayestar2017.h5")
    with pytest.raises(DustMapError, match="SFD_dust_4096_ngp"):
        open_dust_map("sfd", tmp_path / "no folder")
    (tmp_path / "bayestar2019.h5").write_text("no HDF5")
    with pytest.raises(DustMapError, match=r"cannot be read as the dust map 'bayestar2019'.*fetch dust"):
        open_dust_map("bayestar2019", tmp_path)
    tree(tmp_path / "bayestar2015.h5", FINE)  # without samples
    with pytest.raises(DustMapError, match="samples"):
        open_dust_map("bayestar2015", tmp_path)
    monkeypatch.setitem(sys.modules, "dustmaps.bayestar", None)
    with pytest.raises(DustMapError, match=r"needs dustmaps, which is not installed: pip install .*\[dust\]"):
        open_dust_map("bayestar2019", maps)


def stars(dust: GriddedMap, distance: float):
    """Giants of one colour at one distance, behind the dust of three sightlines; the last is outside the map."""
    glon, glat = np.transpose([STEEP, FLAT, SOUTH])
    unit = np.nan_to_num(dust.reddening(glon, glat, distance))
    colour = np.full(3, 1.05)
    k0_mag = ColourLaw()(colour, np.zeros(3)) + 5 * np.log10(100 * distance)
    k_mag = k0_mag + dust.coefficients["Ks"] * unit
    j_mag = k_mag + colour + (dust.coefficients["J"] - dust.coefficients["Ks"]) * unit
    return glon, glat, j_mag, k_mag


def test_a_distance_is_right_with_the_maps_own_coefficients_only(maps):
    dust = open_dust_map("bayestar2017", maps)
    glon, glat, j_mag, k_mag = stars(dust, 6.0)
    error, none, sure = np.full(3, 1e-4), np.full(3, np.nan), DistanceSettings(40, 0.01, 0.0)
    giants = Giants(
        *(glon, glat, j_mag, error, k_mag, error, np.zeros(3), error, np.zeros(3), error),
        *(none, none, np.arange(3)),
    )
    found = estimate_distances(giants, ColourLaw(), SingleAge(), dust, sure)
    np.testing.assert_allclose(found.median_kpc[:2], 6.0, rtol=0.01)
    np.testing.assert_allclose(found.a_k[:2], 0.161 * dust.reddening(glon, glat, 6.0)[:2], rtol=0.01)
    np.testing.assert_allclose(found.e_jk[:2], (0.650 - 0.161) * dust.reddening(glon, glat, 6.0)[:2], rtol=0.01)
    assert np.isnan(found.median_kpc[2])
    assert found.roots[2] == 0
    green = dataclasses.replace(dust, coefficients=GREEN_2019)
    other = estimate_distances(giants, ColourLaw(), SingleAge(), green, sure)
    assert abs(other.median_kpc[0] / 6.0 - 1) > 0.03


def test_a_build_measures_distances_with_the_configured_map(maps, tmp_path):
    dust = open_dust_map("bayestar2017", maps)
    glon, glat, j_mag, k_mag = stars(dust, 6.0)
    place = SkyCoord(glon, glat, unit="deg", frame="galactic").icrs
    (tmp_path / "maps").symlink_to(maps)
    (tmp_path / "run.toml").write_text(
        '[distance]\ncalibration = "colour-law"\ndust = "bayestar2017"\ndust_file = "maps"\n'
        "dust_relative_error = 0.01\ncolour_scatter_mag = 0.0\ndefault_magnitude_error_mag = 0.001\n"
    )
    table = pd.DataFrame({"obsid": [1, 2, 3], "ra": place.ra.deg, "dec": place.dec.deg, "j_mag": j_mag, "k_mag": k_mag})
    state = BuildState(load_config(str(tmp_path / "run.toml")), tmp_path, tmp_path, table)
    galactic_coordinates(state)
    assert measure_distances(state, lambda _fraction, _message: None) == 2
    np.testing.assert_allclose(state.table["distance"][:2], 6.0, rtol=0.01)
    assert state.table["distance_roots"].tolist() == [1, 1, 0]
    assert np.isnan(state.table["a_k"][2])
    assert state.facts["choices"]["dust map"] == "Bayestar2017 (Green et al. 2018), best fit"
    assert list(state.facts["inputs"]) == ["bayestar2017.h5"]
    assert state.facts["report"]["dust"] == {"outside_the_map": 1, "beyond_its_reach": 1}


def test_without_a_file_named_the_folder_of_downloads_is_meant(maps, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("MGIANT_HOME", str(home))
    (tmp_path / "run.toml").write_text('[distance]\ndust = "bayestar2019"\n')
    state = BuildState(load_config(str(tmp_path / "run.toml")), tmp_path, tmp_path)
    with pytest.raises(DustMapError, match="fetch dust"):
        configured_dust(state)
    (home / "downloads").symlink_to(maps)
    assert configured_dust(state).name.startswith("Bayestar2019")
    assert list(state.facts["inputs"]) == ["bayestar2019.h5"]
