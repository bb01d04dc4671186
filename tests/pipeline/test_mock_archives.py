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

from pipeline.__main__ import main
from pipeline.config import load_config
from pipeline.domain.wavelength import log_grid, redshift_to_velocity
from pipeline.mock import simulate
from pipeline.mock.archives import apogee, read_counts, write_archives, write_long_allstar
from pipeline.mock.archives.files import Field, record_dtype, write_fits_table
from pipeline.mock.archives.sky import SurveyStars, moved, nearest_arcsec
from pipeline.mock.fits_layouts import write_lamost_fits
from pipeline.mock.reference import STAR_BAD
from pipeline.science.spectra.resample import rebin
from pipeline.sources.lamost_fits import find_spectra, read_spectrum
from pipeline.stages import reading
from pipeline.stages.state import BuildState

N, TRAINING, SEED = 260, 100, 7

GENERAL = (
    "obsid uid gp_id designation obsdate lmjd mjd planid spid fiberid ra_obs dec_obs snru snrg snrr snri snrz class "
    "subclass z z_err ps_id mag_ps_g mag_ps_r mag_ps_i mag_ps_z mag_ps_y gaia_source_id gaia_g_mean_mag fibertype "
    "offsets offsets_v ra dec"
)
M_STARS = (
    "teff teff_err logg logg_err m_h m_h_err ewha ewha_err tio5 tio5_err cah2 cah2_err cah3 cah3_err tio1 tio1_err "
    "tio2 tio2_err tio3 tio3_err tio4 tio4_err cah1 cah1_err caoh caoh_err zeta zeta_err type na"
)
APOGEE = (
    "APOGEE_ID TARGET_ID APSTAR_ID ASPCAP_ID FILE TELESCOPE FIELD LOCATION_ID RA DEC GLON GLAT J J_ERR H H_ERR K K_ERR "
    "AK_TARG AK_TARG_METHOD AK_WISE SFD_EBV NVISITS SNR SNREV STARFLAG STARFLAGS ANDFLAG VHELIO_AVG VSCATTER VERR "
    "RV_TEFF RV_LOGG RV_FEH RV_CHI2 RV_FLAG N_COMPONENTS GAIAEDR3_SOURCE_ID GAIAEDR3_PARALLAX GAIAEDR3_PARALLAX_ERROR "
    "GAIAEDR3_PMRA GAIAEDR3_PMRA_ERROR GAIAEDR3_PMDEC GAIAEDR3_PMDEC_ERROR GAIAEDR3_PHOT_G_MEAN_MAG "
    "GAIAEDR3_PHOT_BP_MEAN_MAG GAIAEDR3_PHOT_RP_MEAN_MAG GAIAEDR3_DR2_RADIAL_VELOCITY "
    "GAIAEDR3_DR2_RADIAL_VELOCITY_ERROR GAIAEDR3_R_MED_GEO GAIAEDR3_R_LO_GEO GAIAEDR3_R_HI_GEO "
    "GAIAEDR3_R_MED_PHOTOGEO EXTRATARG MEMBERFLAG ASPCAPFLAG ASPCAPFLAGS PARAMFLAG ASPCAP_CHI2 ASPCAP_GRID "
    "FRAC_BADPIX FRAC_LOWSNR TEFF TEFF_ERR LOGG LOGG_ERR VMICRO M_H M_H_ERR ALPHA_M ALPHA_M_ERR VSINI FE_H FE_H_ERR "
    "FE_H_FLAG TEFF_SPEC LOGG_SPEC FPARAM X_H"
)
GAIA = (
    "source_id ra dec ref_epoch parallax parallax_error pmra pmra_error pmdec pmdec_error pmra_pmdec_corr "
    "parallax_pmra_corr parallax_pmdec_corr ruwe astrometric_params_solved nu_eff_used_in_astrometry pseudocolour "
    "ecl_lat duplicated_source phot_g_mean_mag phot_bp_mean_mag phot_rp_mean_mag bp_rp phot_bp_rp_excess_factor "
    "radial_velocity radial_velocity_error rv_nb_transits rv_template_teff grvs_mag has_xp_continuous"
)
TMASS = "designation j_m j_msigcom h_m h_msigcom ks_m ks_msigcom ph_qual"
GAIA_VALUES = {
    "gaia_source_id": "source_id",
    "parallax": "parallax",
    "parallax_err": "parallax_error",
    "pmra": "pmra",
    "pmra_err": "pmra_error",
    "pmdec": "pmdec",
    "pmdec_err": "pmdec_error",
    "pmra_pmdec_corr": "pmra_pmdec_corr",
    "ruwe": "ruwe",
    "g_mag": "phot_g_mean_mag",
    "bp_rp": "bp_rp",
    "rv_gaia": "radial_velocity",
    "rv_gaia_err": "radial_velocity_error",
}
TMASS_VALUES = {
    "ph_qual": "ph_qual",
    **{
        f"{ours}_mag{end}": f"{theirs}_m{'sigcom' if end else ''}"
        for ours, theirs in (("j", "j"), ("h", "h"), ("k", "ks"))
        for end in ("", "_err")
    },
}
ALLWISE_VALUES = {
    "allwise_id": "designation",
    "ph_qual_wise": "ph_qual",
    "w1_mag": "w1mpro",
    "w1_mag_err": "w1mpro_error",
    "w2_mag": "w2mpro",
    "w2_mag_err": "w2mpro_error",
}
APOGEE_VALUES = {
    "apogee_id": "APOGEE_ID",
    "gaia_source_id": "GAIAEDR3_SOURCE_ID",
    **{f"{name.lower()}_ref": name for name in ("TEFF", "LOGG", "M_H", "ALPHA_M")},
    **{f"{name.lower()}_ref_err": f"{name}_ERR" for name in ("TEFF", "LOGG", "M_H", "ALPHA_M")},
    "rv_ref": "VHELIO_AVG",
    "rv_ref_err": "VERR",
    "rv_ref_scatter": "VSCATTER",
    "snr_ref": "SNR",
    "ref_label_flags": "ASPCAPFLAG",
    "ref_star_flags": "STARFLAG",
    "parallax": "GAIAEDR3_PARALLAX",
    "pmra": "GAIAEDR3_PMRA",
    "pmdec_err": "GAIAEDR3_PMDEC_ERROR",
    "g_mag": "GAIAEDR3_PHOT_G_MEAN_MAG",
}


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


def stored(state):
    """Raw spectra as they are stored, without the configured windows masked."""
    return [np.load(state.work / "raw" / f"{kind}.npy") for kind in ("flux", "ivar", "mask")]


def test_the_direct_build_reads_what_the_files_hold(tmp_path):
    """Both ways through the read stage give the same bytes of spectra and the same S/N."""
    survey = simulate(24, seed=3, training=0)
    write_lamost_fits(survey, tmp_path / "spectra", "dr9")
    texts = {
        "direct": '[input]\nkind = "mock"\nn_stars = 24\nn_training = 0\nseed = 3\n',
        "files": '[input]\nkind = "lamost-fits"\nspectra = "spectra"\n',
    }
    found = {}
    for name, text in texts.items():
        (tmp_path / f"{name}.toml").write_text(text)
        (tmp_path / name).mkdir()
        state = BuildState(load_config(str(tmp_path / f"{name}.toml")), tmp_path / name, tmp_path / name)
        reading.read(state, lambda _fraction, _words: None)
        order = np.argsort(state.table["obsid"].to_numpy())
        arrays = dict(zip(("flux", "ivar", "mask"), (array[order] for array in stored(state)), strict=True))
        found[name] = arrays | {"snr": state.table["snr"].to_numpy()[order]}
    for name, values in found["direct"].items():
        np.testing.assert_array_equal(values, found["files"][name], err_msg=name)


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


def test_same_seed_same_bytes(tmp_path):
    written = [
        write_archives(simulate(24, seed=5, training=10), tmp_path / name, 10, field_stars=80)
        for name in ("one", "two")
    ]
    one, two = (
        {path.relative_to(files.directory): path.read_bytes() for path in files.directory.rglob("*") if path.is_file()}
        for files in written
    )
    assert one == two
    assert len(one) == 24 + len(written[0].tables) + 3


def test_a_long_allstar_is_written_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(apogee, "BLOCK_ROWS", 50)
    told = []
    write_long_allstar(tmp_path / "allStar.fits", 120, 4, told.append)
    assert told == pytest.approx([50 / 120, 100 / 120, 1.0])
    with fits.open(tmp_path / "allStar.fits") as hdus:
        data = hdus[1].data
        assert len(data) == 120
        assert data.dtype.itemsize > 4000
        known = data["GAIAEDR3_SOURCE_ID"] > 0
        assert len(np.unique(data["GAIAEDR3_SOURCE_ID"][known])) == known.sum() > 100
        assert len(np.unique(data["APOGEE_ID"])) == 120
        assert hdus[1].header["SIMULATD"] is True
    assert (tmp_path / "allStar.fits").stat().st_size % 2880 == 0


def test_a_table_has_the_rows_that_its_header_announces(tmp_path):
    fields = (Field("a", "J"), Field("b", "4A"))
    with pytest.raises(ValueError, match="announces 3 rows; 2 came"):
        write_fits_table(tmp_path / "x.fits", fields, [np.zeros(2, record_dtype(fields))], 3)


def test_the_command_writes_them(tmp_path, capsys):
    folder = tmp_path / "download"
    assert main(["mock", str(folder), "--as-archives", "--stars", "40", "--training", "10", "--seed", "9"]) == 0
    assert f"build {folder / 'build.toml'}" in capsys.readouterr().out
    assert tomllib.loads((folder / "direct.toml").read_text())["input"]["n_training"] == 10
    assert len(find_spectra(folder / "spectra")) == 40
    assert main(["mock", str(folder), "--as-archives"]) == 2
    assert "not empty" in capsys.readouterr().err
    assert main(["mock", str(tmp_path / "a.fits"), "--allstar", "30"]) == 0
    assert "30 simulated rows" in capsys.readouterr().out
    assert len(fits.getdata(tmp_path / "a.fits")) == 30
    assert main(["mock", str(tmp_path / "a.fits"), "--allstar", "30"]) == 2
    assert "exists" in capsys.readouterr().err
    assert main(["mock", str(tmp_path / "b.fits"), "--allstar", "0"]) == 2
    assert "above 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--allstar", "5", "--stars", "5"], "--stars: not allowed with argument --allstar"),
        (["--as-archives", "--layout", "dr5"], "--layout: not allowed with argument --as-archives"),
        (["--training", "5"], "--training: allowed with argument --as-archives only"),
        (["--as-archives", "--allstar", "5"], "not allowed with argument"),
    ],
)
def test_options_that_would_be_ignored_are_refused(tmp_path, capsys, arguments, reason):
    with pytest.raises(SystemExit):
        main(["mock", str(tmp_path / "x"), *arguments])
    assert reason in capsys.readouterr().err
