"""Recognition of columns: schemas, UCDs, names, pairs, units, sentinels, questions."""

import io

import numpy as np
import pandas as pd
import pytest
from astropy.io.votable import from_table
from astropy.table import Table

from pipeline.domain.columns import BY_NAME, COLUMNS
from pipeline.sources.tables.identity import Identity, recipe_of
from pipeline.sources.tables.profiles import (
    ProfileError,
    Recipe,
    parse_profile,
    profile_of,
    recipe_from,
    shipped_profiles,
)
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.recognition import recognise
from pipeline.sources.tables.star_columns import read_stars
from pipeline.sources.tables.table_file import TableError
from tests.pipeline.known_schemas import APOGEE_17, LAMOST, MSTAR, ROLES, SCHEMAS


def opened(columns, units=None, ucds=None, name="mine.csv"):
    """A table of given columns; with units or UCDs as a VOTable."""
    frame = {key: np.atleast_1d(values) for key, values in columns.items()}
    if units is None and ucds is None:
        text = pd.DataFrame({key: pd.Series(list(values), dtype=object) for key, values in frame.items()}).to_csv(
            index=False
        )
        return open_table(text.encode(), name)
    table = Table(frame)
    for key, unit in (units or {}).items():
        table[key].unit = unit
    document = from_table(table)
    for item in document.get_first_table().fields:
        item.ucd = (ucds or {}).get(item.name)
    stream = io.BytesIO()
    document.to_xml(stream)
    return open_table(stream.getvalue(), name)


def stars(columns, wanted=None, **words):
    table = opened(columns, **words)
    return read_stars(table, recognise(table, wanted))


def taken(table, **words):
    return {ours: " ".join(recipe.columns) for ours, recipe in recognise(table, **words).recipes.items()}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_known_schema_is_recognised_from_its_official_columns(name):
    names = SCHEMAS[name].split()
    found = recognise(opened({one: [1, 2] for one in names}))
    assert found.profile is not None
    assert found.profile.name == name
    for ours, theirs in ROLES[name].items():
        recipe = found.recipes.get(ours)
        assert (recipe and recipe.columns[0]) == theirs, ours
    shuffled = recognise(opened({one: [1, 2] for one in sorted(names, reverse=True)}))
    assert shuffled.profile is not None
    assert shuffled.profile.name == name, "the order of columns says nothing"


def test_no_known_schema_is_forgotten():
    assert {profile.name for profile in shipped_profiles()} == set(SCHEMAS) == set(ROLES)


def test_a_schema_is_known_in_other_cases_where_no_two_names_fold_into_one():
    found = recognise(opened({one.lower(): [1, 2] for one in APOGEE_17.split()}))
    assert found.profile is not None
    assert found.profile.name == "APOGEE allStar DR17"
    assert found.recipes["k_mag"].columns == ("k",)
    folded = SCHEMAS["Bailer-Jones et al. (2021) distances, VizieR (I/352)"]
    assert profile_of([one.upper() for one in folded.split()]) is None


def test_a_table_with_part_of_a_schema_does_not_match_it():
    assert recognise(opened({"APOGEE_ID": ["x"], "K": [1.0], "RA": [1.0], "DEC": [1.0]})).profile is None


def test_table_a1_is_known_in_all_its_spellings():
    printed = (
        "obsid gaia_source_id ra dec SNR [M/H] [M/H]_err T_eff T_eff_err log~g log~g_err [alpha/M] [alpha/M]_err rv "
        "rv_err Distance"
    )
    ours = (
        *("obsid", "gaia_source_id", "ra", "dec", "snr", "m_h", "m_h_err", "teff", "teff_err", "logg", "logg_err"),
        *("alpha_m", "alpha_m_err", "rv", "rv_err", "distance"),
    )
    names = [name.replace("~", " ") for name in printed.split()]
    found = taken(opened({name: [1, 2] for name in names}))
    assert found == dict(zip(ours, names, strict=True))
    for spelled, name in (
        ("M_H", "m_h"), ("MH", "m_h"), ("M/H", "m_h"), ("Teff", "teff"), ("teff", "teff"), ("log_g", "logg"),
        ("logg", "logg"), ("LOGG", "logg"), ("[a/M]", "alpha_m"), ("alpha_m", "alpha_m"), ("Distance", "distance"),
        ("distance", "distance"), ("SNR", "snr"),
    ):  # fmt: skip
        assert taken(opened({"ra": [1.0], "dec": [1.0], spelled: [1.0]}))[name] == spelled


def test_our_own_names_are_ours_whatever_they_end_in():
    numeric = [column for column in COLUMNS if column.is_float and column.name not in ("ra", "dec")]
    table = opened({"ra": [1.0], "dec": [1.0]} | {column.name: [1.0] for column in numeric})
    found = recognise(table).recipes
    for column in numeric:
        assert found[column.name].columns == (column.name,)
        assert not found[column.name].unit, f"{column.name}: its end is no unit"


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        ("ra dec", ("ra", "dec")),
        ("RA DEC", ("RA", "DEC")),
        ("RAJ2000 DEJ2000", ("RAJ2000", "DEJ2000")),
        ("RA_ICRS DE_ICRS", ("RA_ICRS", "DE_ICRS")),
        ("_RAJ2000 _DEJ2000", ("_RAJ2000", "_DEJ2000")),
        ("_RAJ2000 _DEJ2000 RAJ2000 DEJ2000", ("RAJ2000", "DEJ2000")),
        ("RA_ICRS DE_ICRS _RAJ2000 _DEJ2000", ("RA_ICRS", "DE_ICRS")),
        ("RAdeg DEdeg", ("RAdeg", "DEdeg")),
        ("s_ra s_dec", ("s_ra", "s_dec")),
        ("ra_deg dec_deg", ("ra_deg", "dec_deg")),
        ("ra_gaia dec_gaia", ("ra_gaia", "dec_gaia")),
        ("lm.ra lm.dec", ("lm.ra", "lm.dec")),
        ("ra_obs dec_obs ra dec", ("ra", "dec")),
        ("ra_obs dec_obs", ("ra_obs", "dec_obs")),
        ("ra_obs dec_obs ra_input dec_input", ("ra_input", "dec_input")),
        ("radius rank rave_id dec", None),
        ("ra declination_of_moon", None),
        ("s_ra t_dec", None),
        ("gra gdec", None),
    ],
)
def test_the_position_is_a_pair(names, pair):
    found = taken(opened({name: [1.5] for name in names.split()}))
    assert (found.get("ra"), found.get("dec")) == (pair or (None, None))


def test_two_pairs_are_a_question_with_the_line_to_write():
    table = opened({name: [1.5] for name in ("ra_a", "dec_a", "ra_b", "dec_b")})
    with pytest.raises(
        TableError, match=r'may both be the position\. Say which: columns = \{ra = "ra_a", dec = "dec_a"\}'
    ):
        recognise(table)
    wanted = {"ra": Recipe(("ra_b",)), "dec": Recipe(("dec_b",))}
    assert taken(table, wanted=wanted)["ra"] == "ra_b"


def test_two_columns_of_one_rank_are_a_question_with_the_line_to_write():
    table = opened({"ra": [1.0], "dec": [1.0], "Kmag": [9.0], "ks_m": [9.0]})
    with pytest.raises(
        TableError, match=r"'Kmag' and 'ks_m' may both be k_mag\. Say which: columns = \{k_mag = \"Kmag\"\}"
    ):
        recognise(table)
    assert taken(table, wanted={"k_mag": Recipe(("ks_m",))})["k_mag"] == "ks_m"
    assert "k_mag" not in taken(table, refused=("k_mag",))
    better = opened({"ra": [1.0], "dec": [1.0], "k_mag": [9.0], "Kmag": [9.0]})
    assert taken(better)["k_mag"] == "k_mag", "our own name comes first"


def test_ucds_say_what_columns_are_where_their_unit_fits():
    columns = {"alpha": [10.0], "delta": [5.0], "p": [0.5], "mK": [9.0], "ang": [1.0]}
    ucds = {
        "alpha": "pos.eq.ra;meta.main",
        "delta": "POS_EQ_DEC_MAIN",
        "p": "pos.parallax.trig",
        "mK": "phot.mag;em.IR.K",
    }
    found = taken(opened(columns, {"alpha": "deg", "delta": "deg", "p": "mas", "mK": "mag"}, ucds))
    assert found == {"ra": "alpha", "dec": "delta", "parallax": "p", "k_mag": "mK"}
    assert recognise(opened(columns, {"mK": "K"}, ucds)).recipes.get("k_mag") is None, "a temperature is no magnitude"
    both = {"a": [1.0], "b": [2.0], "a2": [1.0], "b2": [2.0]}
    two = {"a": "pos.eq.ra", "b": "pos.eq.dec", "a2": "pos.eq.ra;meta.main", "b2": "pos.eq.dec;meta.main"}
    assert taken(opened(both, {"a": "deg"}, two))["ra"] == "a2", "the main one"


def test_names_behind_the_prefix_of_the_position_belong_to_it():
    found = taken(opened({name: [1.0] for name in ("lm_ra", "lm_dec", "lm_teff", "lm_rv", "xp_logg", "lm_obsid")}))
    assert found["teff"] == "lm_teff"
    assert found["obsid"] == "lm_obsid"
    assert "lm_rv" in found.values()
    assert "logg" not in found


@pytest.mark.parametrize("error", ["{}_err", "{}_error", "e_{}", "{}Err", "sigma_{}", "{}_ERR"])
def test_errors_belong_to_the_column_whose_name_they_carry(error):
    found = taken(opened({"ra": [1.0], "dec": [1.0], "Teff": [4000.0], error.format("Teff"): [50.0]}))
    assert found["teff_err"] == error.format("Teff")


def test_a_colour_is_made_of_two_magnitudes():
    made = stars({"ra": [1.0], "dec": [1.0], "phot_bp_mean_mag": [15.5], "phot_rp_mean_mag": [13.0]})
    assert made.frame["bp_rp"].tolist() == [2.5]
    assert "bp_rp" in taken(opened({"ra": [1.0], "dec": [1.0], "bp_rp": [2.0], "bp_mag": [1.0], "rp_mag": [1.0]}))


def test_units_of_the_file_are_converted():
    columns = {"ra": [1.0], "dec": [0.5], "distance": [2500.0], "parallax": [0.001], "rv": [-123400.0], "pmra": [0.002]}
    units = {"ra": "rad", "dec": "rad", "distance": "pc", "parallax": "arcsec", "rv": "m/s", "pmra": "arcsec/yr"}
    frame = stars(columns, units=units).frame
    assert frame["ra"][0] == pytest.approx(np.degrees(1.0))
    assert frame["dec"][0] == pytest.approx(np.degrees(0.5))
    assert frame["distance"][0] == pytest.approx(2.5)
    assert frame["parallax"][0] == pytest.approx(1.0)
    assert frame[next(name for name in frame if name.startswith("rv"))][0] == pytest.approx(-123.4)
    assert frame["pmra"][0] == pytest.approx(2.0)


def test_a_unit_at_the_end_of_a_name_is_taken_where_the_file_says_none():
    made = stars({"ra_deg": [1.0], "dec_deg": [1.0], "distance_pc": [2500.0]})
    assert made.frame["distance"].tolist() == [2.5]
    assert made.frame["ra"].tolist() == [1.0]


def test_a_unit_of_another_dimension_is_refused_with_the_line_to_write():
    with pytest.raises(TableError, match=r'is in K, which is no unit of distance \[kpc\].*unit = "kpc"'):
        stars({"ra": [1.0], "dec": [1.0], "distance": [2.0]}, units={"distance": "K"})
    wanted = {"distance": Recipe(("distance",), unit="pc", why="configured")}
    made = stars({"ra": [1.0], "dec": [1.0], "distance": [2000.0]}, wanted, units={"distance": "K"})
    assert made.frame["distance"].tolist() == [2.0], "the user's word wins"


def test_an_unknown_unit_is_reported():
    made = stars({"ra": [1.0], "dec": [1.0], "teff": [4000.0]}, units={"teff": "kelvins of mine"})
    assert made.frame["teff"].tolist() == [4000.0]
    assert any("is not understood; K is taken" in note for note in made.notes)


@pytest.mark.parametrize(
    ("name", "values", "question"),
    [
        ("teff_ref", np.linspace(3.4, 3.7, 100), "lie outside 2000"),
        ("k_mag", np.linspace(9000, 12000, 100), "is it mmag"),
        ("rv", np.linspace(-90_000, 90_000, 100) + 9000.0, "is it m/s"),
        ("logg", np.linspace(100, 400, 100), "lie outside -2"),
        ("dec", np.linspace(100, 5000, 100), "dec"),
    ],
)
def test_values_of_another_unit_are_a_question(name, values, question):
    columns = {"ra": np.linspace(0, 350, 100), "dec": np.linspace(-80, 80, 100), name: values}
    with pytest.raises(TableError, match=question):
        stars(columns)


def test_parsecs_where_kiloparsecs_are_expected_are_a_question():
    columns = {"ra": np.linspace(0, 350, 100), "dec": np.linspace(-80, 80, 100)}
    bounded = [one for one in COLUMNS if one.unit == "kpc" and one.high is not None]
    for declared in bounded:
        with pytest.raises(TableError, match="is it pc"):
            stars(columns | {declared.name: np.linspace(500, 9000, 100)})


def test_hours_of_right_ascension_are_a_question_and_are_read_as_text():
    hours = np.linspace(0.1, 23.9, 60)
    with pytest.raises(TableError, match=r'hours\? Write columns = \{ra = \{column = "ra", unit = "hourangle"\}\}'):
        stars({"ra": hours, "dec": np.zeros(60)})
    wanted = {"ra": Recipe(("ra",), unit="hourangle", why="configured")}
    np.testing.assert_allclose(stars({"ra": hours, "dec": np.zeros(60)}, wanted).frame["ra"], 15.0 * hours)
    wanted = {"ra": Recipe(("ra",), unit="deg", why="configured")}
    np.testing.assert_allclose(stars({"ra": hours, "dec": np.zeros(60)}, wanted).frame["ra"], hours)
    text = {"ra": ["00:42:44.3", "23 59 59", "1h2m3s"], "dec": ["+41:16:09", "-00 30 00", "-1d2m3s"]}
    frame = stars(text).frame
    np.testing.assert_allclose(frame["ra"], [10.684583, 359.995833, 15.5125], atol=1e-5)
    np.testing.assert_allclose(frame["dec"], [41.269167, -0.5, -1.034167], atol=1e-5)
    with pytest.raises(TableError, match="neither degrees nor hours"):
        stars({"ra": ["north", "south"], "dec": ["x", "y"]})


@pytest.mark.parametrize("sentinel", [-9999, -9999.99, 9999, 99999, -99999, np.inf])
@pytest.mark.parametrize("name", ["teff", "logg", "rv", "parallax", "pmra", "k_mag", "snr"])
def test_sentinels_are_no_values(name, sentinel):
    good = {"teff": 4000.0, "logg": 1.0, "rv": 10.0, "parallax": 0.1, "pmra": 1.0, "k_mag": 9.0, "snr": 50.0}[name]
    made = stars({"ra": [1.0, 2.0, 3.0], "dec": [1.0, 2.0, 3.0], name: [good, sentinel, good]})
    ours = next(report for report in made.reports if report.theirs == name)
    assert np.isnan(made.frame[ours.ours]).tolist() == [False, True, False]
    assert ours.sentinels == 1


@pytest.mark.parametrize("sentinel", [99.0, 99.99, -99.0, 999.0, -999.0])
def test_nines_that_many_rows_share_are_no_values(sentinel):
    values = np.linspace(-3, 3, 200)
    values[::4] = sentinel
    columns = {"ra": np.linspace(0, 350, 200), "dec": np.linspace(-80, 80, 200), "pmra": values, "k_mag": values + 0.0}
    made = stars(columns)
    assert np.isnan(made.frame["pmra"]).sum() == 50
    assert np.isnan(made.frame["k_mag"]).sum() >= 50
    values[:] = np.linspace(-3, 3, 200)
    values[7] = sentinel
    assert np.isfinite(stars(columns | {"pmra": values}).frame["pmra"]).all(), "one such motion is one"


def test_large_numbers_of_open_ended_columns_are_values():
    large = {"energy": [-120_000.0, -9_995.0], "j_phi": [-15_000.5, 12_345.6], "j_tot": [20_000.0, 9_995.5]}
    made = stars({"ra": [1.0, 2.0], "dec": [1.0, 2.0], **large})
    for name, values in large.items():
        np.testing.assert_allclose(made.frame[name], values)
    made = stars(
        {"ra": [1.0], "dec": [1.0], "x_gal": [-25_000.0], "v_x": [150_000.0]}, units={"x_gal": "pc", "v_x": "m/s"}
    )
    assert made.frame["x_gal"].tolist() == [-25.0]
    assert made.frame["v_x"].tolist() == [150.0]


def test_what_is_outside_the_valid_range_is_counted_and_missing():
    values = np.full(20, 4000.0) + np.arange(20)
    values[3], values[5] = 31_000.0, 12.0
    made = stars({"ra": np.arange(20.0), "dec": np.arange(20.0), "teff": values})
    report = next(one for one in made.reports if one.ours == "teff")
    assert report.outside == 2
    assert np.isnan(made.frame["teff"]).sum() == 2
    assert report.low == 4000.0
    assert report.known == pytest.approx(0.9)


def test_identifiers_that_lost_digits_are_not_used_unless_configured():
    columns = {"ra": [1.0, 2.0], "dec": [1.0, 2.0], "source_id": [3.000000000000001e18, 3.1e18]}
    made = stars(columns, units={})
    assert "gaia_source_id" not in made.frame
    assert any("lost their last digits" in note and "not used to match" in note for note in made.notes)
    with pytest.raises(TableError, match="lost their last digits"):
        stars(columns, {"gaia_source_id": Recipe(("source_id",), why="configured")}, units={})
    exact = stars({"ra": [1.0, 2.0], "dec": [1.0, 2.0], "source_id": [3000000000000000001, ""]})
    assert exact.frame["gaia_source_id"].tolist() == [3000000000000000001, 0]
    text = stars({"ra": [1.0], "dec": [1.0], "source_id": ["Gaia DR3 3000000000000000001"]})
    assert text.frame["gaia_source_id"].tolist() == [3000000000000000001]


def test_missing_configured_names_are_reported():
    table = opened({"ra": [1.0], "dec": [1.0], "my_K": [9.0]})
    with pytest.raises(TableError, match=r"columns\.k_mgs is no column of the catalogue\. Did you mean 'k_mag'"):
        recognise(table, {"k_mgs": Recipe(("my_K",))})
    with pytest.raises(TableError, match=r"has no column 'my_k' \(columns.k_mag\). Did you mean 'my_K'"):
        recognise(table, {"k_mag": Recipe(("my_k",))})
    with pytest.raises(TableError, match=r"has no column 'hat' \(keep\)"):
        recognise(table, keep=["hat"])


def test_other_columns_are_carried_along_or_not():
    columns = {"ra": [1.0], "dec": [1.0], "my note": ["x"], "flag": [True], "counts": [7]}
    made = stars(columns)
    assert [column.label for column in made.own] == ["my note", "flag", "counts"]
    assert made.frame[made.own[0].name].tolist() == ["x"]
    table = opened(columns)
    assert [item.name for item in recognise(table, keep=["counts"]).own] == ["counts"]
    assert recognise(table, keep=False).own == ()


def test_a_redshift_is_a_velocity_of_stars_alone():
    columns = {name: [1, 1, 1, 1] for name in f"{LAMOST} {MSTAR}".split()}
    columns |= {
        "obsid": [1, 2, 3, 4],
        "z": [-0.0001, 0.0002, 0.1, -9999.0],
        "class": ["STAR", "GALAXY", "STAR", "STAR"],
    }
    columns |= {"ra": [1.0, 2.0, 3.0, 4.0], "dec": [1.0] * 4}
    made = stars(columns)
    assert made.profile == "LAMOST M-star catalogue (LRS_mstellar)"
    np.testing.assert_allclose(made.frame["rv_input"], [-29.9777, np.nan, np.nan, np.nan], atol=0.01)


def test_duplicates_of_apogee_are_left_out_and_bad_labels_flagged():
    columns = {name: [1, 1, 1] for name in APOGEE_17.split()}
    columns |= {
        "EXTRATARG": [0, 16, 4],
        "ASPCAPFLAG": [2**23, 0, 2**41],
        "STARFLAG": [0, 0, 2**19],
        "SNR": [10.0, 20.0, 30.0],
    }
    columns |= {
        "TEFF": [4000.0] * 3,
        "GAIAEDR3_SOURCE_ID": [3000000000000000001, 5, 7],
        "RA": [1.0] * 3,
        "DEC": [1.0] * 3,
    }
    columns |= {"K": [9.0, 9.0, 99.9999], "AK_TARG": [0.1, 0.1, -9999.99], "GAIAEDR3_R_MED_GEO": [2831.0] * 3}
    made = stars(columns)
    assert made.frame["gaia_source_id"].tolist() == [3000000000000000001, 7]
    assert made.rejects[0][2] == "duplicate-rows"
    assert made.frame["ref_bad"].tolist() == [True, True]
    assert made.frame["ref_label_flags"].tolist() == [2**23, 2**41]
    np.testing.assert_allclose(made.frame["k_mag"], [9.0, np.nan])
    np.testing.assert_allclose(made.frame["a_k_ref"], [0.1, np.nan])
    np.testing.assert_allclose(made.frame["distance_geo"], [2.831, 2.831])
    assert made.preferred is not None
    assert made.preferred.tolist() == [10.0, 30.0]


def test_epochs_are_those_of_the_schema_the_file_or_the_user():
    columns = {name: [1, 1] for name in SCHEMAS["Gaia DR3 gaia_source"].split()}
    columns |= {"ref_epoch": [2016.0, 2015.5], "phot_g_mean_mag": [12.0, 12.0]}
    made = stars(columns)
    assert made.epoch_yr is not None
    assert made.epoch_yr.tolist() == [2016.0, 2015.5]
    table = opened({"ra": [1.0], "dec": [1.0]})
    assert read_stars(table, recognise(table)).epoch_yr is None
    assert read_stars(table, recognise(table), epoch_yr=1991.25).epoch_yr.tolist() == [1991.25]


def test_a_table_without_rows_is_refused():
    with pytest.raises(TableError, match="holds no row"):
        stars({"ra": [], "dec": []})


def test_skipped_rows_are_rejects():
    table = open_table(b"ra,dec,k_mag\n1,2,9\n1,2\n" + b"3,4,10\n" * 9, "mine.csv")
    made = read_stars(table, recognise(table))
    assert made.rows_read == 11
    assert made.rejects == [("mine.csv", 0, "unreadable-row", "Line 3 has 2 cells; the header names 3 columns.")]


def test_profiles_are_checked():
    good = {"name": "x", "fingerprint": ["a"], "columns": {"ra": "a"}}
    assert parse_profile({**good, "columns": {"ra": "a"}}, "t").columns["ra"].columns == ("a",)
    with pytest.raises(ProfileError, match="'raa' is no column"):
        parse_profile({**good, "columns": {"raa": "a"}}, "t")
    for wrong, words in (
        ({"colum": "a"}, "unknown key 'colum'"),
        ({}, "names no column"),
        ({"column": "a", "operation": "add"}, "is none of"),
        ({"columns": ["a"], "operation": "difference"}, "takes 2"),
        ({"column": "a", "missing": "x"}, "could not convert"),
        (7, "must be the name"),
    ):
        with pytest.raises(ProfileError, match=words):
            recipe_from(wrong, "here", "")
    for profile in shipped_profiles():
        assert set(profile.columns) <= set(BY_NAME)


def test_an_identity_needs_no_roles_and_no_answers():
    columns = {
        "obsid": [1],
        "GaiaDR3": [3000000000000000001],
        "x_source_id": [5],
        "gaia_dr2_source_id": [7],
        "Kmag": [1.0],
    }
    table = opened(columns | {"ks_m": [9.0], "RAdeg": [10.0], "DEdeg": [20.0], "designation": ["J0042"]})
    identity = Identity(table)
    raw = table.read(identity.names)
    found = [(one.ours, one.name, one.identifiers.numbers.tolist()) for one in identity.id_columns(raw)]
    assert found == [
        ("obsid", "obsid", [1]),
        ("gaia_source_id", "GaiaDR3", [3000000000000000001]),
        ("gaia_source_id", "x_source_id", [5]),
        ("gaia_dr2_source_id", "gaia_dr2_source_id", [7]),
    ]
    at = identity.positions(raw)
    assert (at.ra.tolist(), at.dec.tolist(), at.columns) == ([10.0], [20.0], ("RAdeg", "DEdeg"))
    apogee = opened({name: [1] for name in APOGEE_17.split()})
    assert recipe_of(apogee, "VHELIO_AVG", "rv").above == 9000
    assert recipe_of(apogee, "TEFF", "rv").above is None
