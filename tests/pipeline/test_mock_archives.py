"""The simulated survey in archive formats: official names, sentinels, marks, exact values."""

import gzip
import json
import tomllib

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Table

from pipeline.config import load_config
from pipeline.domain.wavelength import log_grid, redshift_to_velocity
from pipeline.mock import simulate
from pipeline.mock.archives import apogee, read_counts, write_archives
from pipeline.mock.archives.sky import SurveyStars, moved, nearest_arcsec
from pipeline.mock.fits_layouts import write_lamost_fits
from pipeline.mock.reference import STAR_BAD
from pipeline.science.spectra.resample import rebin
from pipeline.sources.lamost_fits import find_spectra, read_spectrum
from tests.pipeline.archive_columns import (
    ALLWISE_VALUES,
    APOGEE,
    APOGEE_VALUES,
    GAIA,
    GAIA_VALUES,
    GENERAL,
    M_STARS,
    TMASS,
    TMASS_VALUES,
)

N, TRAINING, SEED = 260, 100, 7


@pytest.fixture(scope="module")
def survey():
    return simulate(N, seed=SEED, training=TRAINING)


@pytest.fixture(scope="module")
def files(survey, tmp_path_factory):
    return write_archives(survey, tmp_path_factory.mktemp("archives") / "download", TRAINING)


@pytest.fixture(scope="module")
def truth(files):
    return pd.read_parquet(files.truth)


@pytest.fixture(scope="module")
def frames(files):
    """Each table as a user's own tools read it."""
    with fits.open(files.allstar) as hdus:
        data = hdus[1].data
        flat = [name for name in data.names if data[name].ndim == 1]
        allstar = Table({name: data[name] for name in flat}).to_pandas()
        allstar["PARAMFLAG"] = list(data["PARAMFLAG"])
    texts = {"gaia_source_id": str, "uid": str, "planid": str, "designation": str}
    return {
        "general": pd.read_csv(
            files.general, sep="|", encoding="utf-8-sig", dtype=texts, keep_default_na=False, na_values={"x": []}
        ),
        "m_stars": Table.read(files.m_stars).to_pandas(),
        "gaia": pd.read_parquet(files.gaia, dtype_backend="pyarrow"),
        "tmass": pd.read_csv(files.tmass, dtype={"designation": str, "original_ext_source_id": str}),
        "allwise": parse(files.allwise).get_first_table().to_table().to_pandas(),
        "distances": Table.read(files.distances).to_pandas(),
        "dr2": pd.read_csv(files.dr2),
        "allstar": allstar,
        "float_ids": pd.read_csv(files.float_ids),
    }


def values_agree(survey, truth, frame, name, pairs):
    """The file's row of each observation holds the survey's values to the last bit; returns where there is a row."""
    rows = truth[f"{name}_row"].to_numpy()
    held = rows >= 0
    for ours, theirs in pairs.items():
        expected = survey.table[ours].to_numpy()
        found = frame[theirs].to_numpy()[rows[held]]
        if expected.dtype.kind == "f":
            found = np.array(pd.to_numeric(found), float).astype(np.float32)
            np.testing.assert_array_equal(found, expected[held].astype(np.float32), err_msg=ours)
        else:
            assert (found.astype(expected.dtype) == expected[held]).all(), ours
    return held


def test_names_are_official(files, frames):
    with gzip.open(files.general, "rt", encoding="utf-8") as text:
        header = text.readline()
    assert header.startswith("\ufeffobsid|")
    assert header.lstrip("\ufeff").strip().split("|") == [*GENERAL.split(), "fibermask", "with_norm_flux", "simulated"]
    assert fits.getdata(files.m_stars).names == [*GENERAL.split(), *M_STARS.split()]
    names = fits.getdata(files.allstar).names
    assert set(APOGEE.split()) <= set(names)
    assert len(names) == 234
    assert set(GAIA.split()) <= set(frames["gaia"])
    assert len(frames["gaia"].columns) > len(GAIA.split()) + 12
    assert [*frames["tmass"]][5:-1] == TMASS.split()
    assert {"w1mpro", "w1mpro_error", "w2mpro", "w2mpro_error", "ph_qual", "cc_flags"} <= set(frames["allwise"])
    assert not any("source" in name for name in frames["allwise"])
    assert {"source_id", "r_med_geo", "r_lo_geo", "r_hi_geo", "flag"} <= set(frames["distances"])
    assert "rv" not in frames["m_stars"]


def test_arrays_of_apogee_have_the_shapes_of_the_data_model(files):
    columns = fits.getdata(files.allstar)
    for name, shape in (("PARAMFLAG", (9,)), ("FPARAM", (9,)), ("X_H", (27,)), ("FPARAM_COV", (9, 9))):
        assert columns[name].shape[1:] == shape
    assert columns["FPARAM_GRID"].shape[1:] == (21, 9)
    assert columns["ASPCAPFLAG"].dtype == ">i8"
    assert columns["PARAMFLAG"].dtype == ">i8"
    assert not any(column.unit for column in columns.columns)


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("gaia", GAIA_VALUES),
        ("tmass", TMASS_VALUES | {"gaia_source_id": "source_id", "tmass_id": "designation"}),
        ("float_ids", TMASS_VALUES),
        ("allwise", ALLWISE_VALUES),
        ("allstar", APOGEE_VALUES),
        ("dr2", {"gaia_source_id": "dr3_source_id", "gaia_dr2_source_id": "dr2_source_id"}),
    ],
)
def test_values_survive_the_way_through_a_file(survey, truth, frames, name, pairs):
    held = values_agree(survey, truth, frames[name], name, pairs)
    missing = survey.table[~held]
    known = {
        "gaia": missing["gaia_source_id"] > 0,
        "dr2": missing["gaia_dr2_source_id"] > 0,
        "tmass": missing["j_mag"].notna(),
        "float_ids": missing["j_mag"].notna(),
        "allwise": missing["w1_mag"].notna(),
        "allstar": missing["apogee_id"] != "",
    }[name]
    assert not known.any()


def test_lamost_rows_hold_the_observations(survey, truth, frames):
    table, general = survey.table, frames["general"].iloc[truth["general_row"]].reset_index(drop=True)
    for ours, theirs in (
        *(("obsid", "obsid"), ("uid", "uid"), ("ra", "ra"), ("dec", "dec"), ("designation", "designation")),
        *(("plan_id", "planid"), ("spectrograph_id", "spid"), ("fiber_id", "fiberid"), ("lmjd", "lmjd")),
        *(("object_class", "class"), ("subclass", "subclass")),
    ):
        assert (general[theirs].to_numpy() == table[ours].to_numpy()).all(), ours
    ids = general["gaia_source_id"]
    numbers = ids.map(lambda text: max(0, int(text)) if text.strip() else 0)
    assert (numbers.to_numpy() == table["gaia_source_id"].to_numpy()).all()
    unknown = general["class"] != "STAR"  # galaxies are far beyond any velocity of a star
    assert (general.loc[unknown, "z"] == -9999).all()
    velocity = redshift_to_velocity(general["z"].to_numpy(float)).astype(np.float32)
    np.testing.assert_array_equal(velocity[~unknown], table["rv_input"][~unknown])
    m_rows = truth["m_stars_row"].to_numpy()
    assert ((m_rows >= 0) == table["subclass"].str.startswith("gM")).all()
    m_stars = frames["m_stars"].iloc[m_rows[m_rows >= 0]]
    assert (m_stars["obsid"].to_numpy() == table["obsid"][m_rows >= 0].to_numpy()).all()
    velocity = redshift_to_velocity(m_stars["z"].to_numpy(float)).astype(np.float32)
    np.testing.assert_array_equal(velocity, table["rv_input"][m_rows >= 0])


def test_distances_come_back_from_parsec(survey, truth, frames):
    rows = truth["distances_row"].to_numpy()
    held = rows >= 0
    assert (held == survey.table["distance_geo"].notna()).all()
    for source, file, prefix in (
        ("distances", frames["distances"], "r_"),
        ("allstar", frames["allstar"], "GAIAEDR3_R_"),
    ):
        place = truth[f"{source}_row"].to_numpy()
        both = held & (place >= 0)
        for part, ours in (("med", "distance_geo"), ("lo", "distance_geo_16"), ("hi", "distance_geo_84")):
            name = f"{prefix}{part}_geo" if prefix == "r_" else f"{prefix}{part}_geo".upper()
            parsec = file[name].to_numpy(float)[place[both]]
            np.testing.assert_array_equal((parsec / 1000.0).astype(np.float32), survey.table[ours][both])
    assert frames["distances"]["r_med_photogeo"].isna().any()


def test_sentinels_and_nulls_are_the_archives_own(truth, frames):
    nothing = frames["general"]["gaia_source_id"][frames["general"]["gaia_source_id"].str.len() < 10]
    assert {"", "-9999"} <= set(nothing)
    assert (frames["general"]["gaia_g_mean_mag"] == -9999).any()
    assert set(frames["m_stars"]["m_h"].round(6)) >= {-1.0, 0.0}
    assert frames["m_stars"]["m_h"].isin([-1.0, 0.0]).mean() > 0.7
    allstar = frames["allstar"]
    for band in "JHK":
        assert (allstar[band] == 99).any()
        assert allstar[band].notna().all()
    assert (allstar["AK_TARG"] < -9999).any()
    bad = (allstar["ASPCAPFLAG"] & STAR_BAD) > 0
    assert allstar["TEFF"].isna().equals(bad)
    assert (allstar.loc[bad, "TEFF_SPEC"] < -9999).all()
    assert (allstar.loc[~bad, "SNR"] > 0).all()
    assert (allstar["ASPCAPFLAG"] > 2**32).any(), "some bits need 64"
    assert (allstar["GAIAEDR3_SOURCE_ID"] == 0).any()
    own = truth["allstar_row"][truth["allstar_row"] >= 0]
    assert allstar["J"].iloc[own].ne(99).mean() > 0.9
    gaia = frames["gaia"]
    two = gaia["astrometric_params_solved"] == 3
    assert two.any()
    for name in ("parallax", "pmra", "pmdec_error", "pmra_pmdec_corr", "ruwe"):
        assert (gaia[name].isna() == two).all(), name
    assert gaia["phot_g_mean_mag"].notna().all()
    assert gaia["radial_velocity"].isna().any()
    assert (gaia["ref_epoch"] == 2016.0).all()
    tmass = frames["tmass"]
    assert tmass.loc[tmass["ph_qual"].str[1] == "X", "h_m"].isna().all()
    upper = tmass["ph_qual"].str[1] == "U"
    assert tmass.loc[upper, "h_m"].notna().all()
    assert tmass.loc[upper, "h_msigcom"].isna().all()
    assert frames["allwise"]["w4mpro_error"].isna().any()


def test_colours_of_apogee_and_gaia_are_exact(survey, truth, frames):
    for name, blue, red in (
        ("gaia", "phot_bp_mean_mag", "phot_rp_mean_mag"),
        ("allstar", "GAIAEDR3_PHOT_BP_MEAN_MAG", "GAIAEDR3_PHOT_RP_MEAN_MAG"),
    ):
        rows = truth[f"{name}_row"].to_numpy()
        frame = frames[name].iloc[rows[rows >= 0]]
        colour = frame[blue].to_numpy(np.float32) - frame[red].to_numpy(np.float32)
        np.testing.assert_array_equal(colour, survey.table["bp_rp"][rows >= 0])


def test_duplicates_of_apogee_have_a_bit_or_less_signal(survey, truth, frames):
    allstar = frames["allstar"].reset_index()
    seen = survey.table.loc[survey.table["apogee_id"] != "", "apogee_id"]
    rows = allstar[allstar["APOGEE_ID"].isin(seen)]
    primary = set(truth["allstar_row"])
    second = rows[~rows["index"].isin(primary)]
    assert len(second) == round(apogee.DUPLICATED_SHARE * seen.nunique())
    best = rows[rows["index"].isin(primary)].set_index("APOGEE_ID")
    assert (second["SNR"].to_numpy() < best.loc[second["APOGEE_ID"], "SNR"].to_numpy()).all()
    marked = (second["EXTRATARG"] & apogee.DUPLICATE) > 0
    assert marked.any()
    assert not marked.all()
    assert ((best["EXTRATARG"] & apogee.DUPLICATE) == 0).all()
    assert (best["EXTRATARG"] & apogee.NOT_MAIN).any(), "stream stars are special targets and must not be dropped"


@pytest.mark.parametrize(
    ("name", "epoch", "within"), [("gaia", 2016.0, 0.01), ("allwise", 2010.5, 0.4), ("float_ids", 2000.0, 0.4)]
)
def test_each_archive_has_its_epoch(survey, truth, frames, name, epoch, within):
    stars = SurveyStars.of(survey)
    rows = truth[f"{name}_row"].to_numpy()[stars.row]
    frame, held = frames[name], rows >= 0
    place = moved(stars.ra, stars.dec, stars.pmra, stars.pmdec, epoch - 2000.0)
    ra, dec = (frame[axis].to_numpy(float) for axis in ("ra", "dec"))
    for n in np.flatnonzero(held):
        away = nearest_arcsec(place[0][[n]], place[1][[n]], ra[rows[[n]]], dec[rows[[n]]])[0]
        assert away < within
    nearest = nearest_arcsec(place[0], place[1], ra, dec)
    right = np.array(
        [nearest_arcsec(place[0][[n]], place[1][[n]], ra[rows[[n]]], dec[rows[[n]]])[0] for n in np.flatnonzero(held)]
    )
    np.testing.assert_allclose(nearest[held], right, atol=1e-6, err_msg="the right row is the nearest")
    assert (nearest[~held] > 1.8).all(), "a star that the archive lacks has no other source near"


def test_neighbours_and_background_sources_tempt_the_matcher(frames, survey):
    stars = SurveyStars.of(survey)
    wise = frames["allwise"]
    again = wise[["ra", "dec"]].to_numpy(float)
    near = [
        (nearest_arcsec(again[:, 0], again[:, 1], np.array([ra]), np.array([dec])) < 4.5).sum()
        for ra, dec in zip(stars.ra, stars.dec, strict=True)
    ]
    assert 0.02 < np.mean(np.array(near) > 1) < 0.08


def test_damaged_identifiers_are_damaged(files, frames, truth, survey):
    text = files.float_ids.read_text().splitlines()
    assert all("e+18" in line.split(",")[0] for line in text[1:])
    ids = frames["float_ids"]["source_id"]
    assert ids.dtype == float
    assert ids.nunique() < len(ids) / 10
    rows = truth["float_ids_row"].to_numpy()
    exact = survey.table["gaia_source_id"].to_numpy()[rows >= 0]
    assert (ids.to_numpy()[rows[rows >= 0]].astype(np.int64) != exact).any()


def test_every_file_says_that_it_is_simulated(files):
    for path in files.directory.rglob("*"):
        if path.is_dir():
            continue
        name = path.name
        if ".fits" in name:
            with fits.open(path) as hdus:
                assert all(hdu.header["SIMULATD"] is True for hdu in hdus), name
        elif name.endswith(".parquet"):
            assert pq.read_schema(path).metadata[b"simulated"] == b"true", name
        elif name.endswith(".vot"):
            infos = {info.name: info.value for info in parse(path).resources[0].infos}
            assert infos["simulated"] == "true"
        elif name.endswith(".ecsv"):
            assert Table.read(path).meta["simulated"] is True
        elif ".csv" in name:
            separator = "|" if "LRS" in name else ","
            assert pd.read_csv(path, sep=separator, encoding="utf-8-sig")["simulated"].all(), name
        else:
            assert path.suffix == ".toml"
            assert path.read_text().startswith("# SIMULATED"), name


def test_the_truth_counts(files, truth, survey):
    counts = read_counts(files.truth)
    assert counts["observations"] == N
    assert set(counts["tables"]) == set(files.tables)
    for name in files.tables:
        rows = truth[f"{name}_row"]
        told = counts["tables"][name]
        assert told["observations"] == (rows >= 0).sum()
        assert told["stars"] == truth.loc[rows >= 0, "true_star"].nunique()
        assert told["rows"] > told["stars"] or name == "m_stars"
        assert rows.max() < told["rows"]
    assert (truth["obsid"] == survey.table["obsid"]).all()
    assert json.loads(pq.read_schema(files.truth).metadata[b"counts"]) == counts


def test_spectra_come_in_plate_folders_in_the_order_of_the_table(files, truth, survey):
    paths = find_spectra(files.spectra).files
    assert [path.relative_to(files.directory).as_posix() for path in paths] == truth["spectrum"].tolist()
    grid = log_grid(3700.0, 9095.0)
    layouts, endings = set(), set()
    for path, spectrum in zip(paths[::7], [*survey.spectra()][::7], strict=True):
        found = read_spectrum(path)
        assert found.obsid == spectrum.obsid
        for name in ("ra", "dec", "snr", "plan_id", "lmjd", "subclass", "spectrograph_id", "fiber_id"):
            assert found.meta[name] == spectrum.meta[name], name
        np.testing.assert_array_equal(np.float32(found.meta["rv_input"]), np.float32(spectrum.meta["rv_input"]))
        for one, other in zip(
            rebin(found.wavelength, found.flux, found.ivar, found.mask, grid),
            rebin(spectrum.wavelength, spectrum.flux, spectrum.ivar, spectrum.mask, grid),
            strict=True,
        ):
            np.testing.assert_array_equal(one.astype(np.float32), other.astype(np.float32))
        night, plate, name = path.relative_to(files.spectra).parts
        with fits.open(path) as hdus:
            header = hdus[0].header
            layouts.add(len(hdus))
        endings.add(path.suffix)
        assert plate == header["PLANID"]
        assert header["DATE-OBS"][:10].replace("-", "") == night
        assert header["MJD"] == header["LMJD"] - 1
        assert header["FILENAME"] == name
        assert name.split(".")[0] == (f"spec-{header['LMJD']}-{plate}_sp{header['SPID']:02d}-{header['FIBERID']:03d}")
    assert layouts == {1, 2}
    assert endings == {".fits", ".gz"}


def test_a_name_is_used_once(survey, tmp_path):
    paths = write_lamost_fits(survey, tmp_path, "dr5", np.array([3, 3, 4]))
    assert [path.name.count("-3.fits") for path in paths] == [0, 1, 0]
    assert len(set(paths)) == 3
    assert all(path.is_file() for path in paths)


def test_the_configurations_name_the_files_and_the_settings_of_the_demo(files):
    build = tomllib.loads(files.build.read_text())
    sources = build["input"]["source"]
    named = {source.get("table") or source.get("spectra") for source in sources}
    assert named == {path.name for path in (*files.tables.values(), files.spectra)}
    assert build["input"]["seed"] == SEED
    float_ids = next(source for source in sources if source.get("table") == files.float_ids.name)
    assert float_ids["match"] == "sky"
    direct, demo = load_config(str(files.direct)), load_config("demo")
    assert (direct.input.n_stars, direct.input.n_training, direct.input.seed) == (N, TRAINING, SEED)
    for section in ("spectra", "velocity", "selection", "labels", "distance", "kinematics"):
        assert getattr(direct, section) == getattr(demo, section), section
    settings = tomllib.loads(files.direct.read_text())
    del build["input"], build["name"], settings["input"], settings["name"]
    assert build == settings
    assert set(build) == {"velocity", "labels", "kinematics"}
