"""The search for one star: identifiers, designations and positions."""

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord

from explorer.model.star_search import RADIUS_ARCSEC, find_star
from explorer.model.table import StarTable

RA, DEC = 78.12224, 34.20033
GAIA = 180_000_000_000_000_123


@pytest.fixture(scope="module")
def table():
    frame = pd.DataFrame(
        {
            "obsid": np.array([11, 12, 13, 14], np.int64),
            "gaia_source_id": np.array([GAIA, GAIA, 5, 0], np.int64),
            "ra": [RA, RA, 0.0, np.nan],
            "dec": [DEC, DEC, -89.999, np.nan],
            "designation": ["J051229.33+341201.1", "J051229.33+341201.1", "", "J184500.00-001500.0"],
            "tmass_id": ["", "", "00000000-8959564", ""],
        }
    )
    return StarTable.from_frame(frame)


@pytest.mark.parametrize("text", ["12", "  12\n"])
def test_an_obsid_is_taken_first(table, text):
    assert find_star(text, table) == (12, "")


def test_a_gaia_source_id_names_its_first_observation(table):
    found = find_star(str(GAIA), table)
    assert found.obsid == 11
    assert "2 observations" in found.sentence
    assert find_star("5", table) == (13, "")
    assert find_star("0", table).obsid is None


@pytest.mark.parametrize("text", ["J051229.33+341201.1", "051229.33+341201.1", "LAMOST J051229.33+341201.1"])
def test_a_designation_is_found_as_it_is_written(table, text):
    assert find_star(text, table).obsid == 11


def test_a_designation_of_a_star_without_a_position(table):
    assert find_star("J184500.00-001500.0", table) == (14, "")
    assert find_star("2MASS J00000000-8959564", table).obsid == 13


@pytest.mark.parametrize(
    "text",
    [
        f"{RA} {DEC}",
        f"{RA}, +{DEC}",
        f"{RA}d {DEC}d",
        "05:12:29.34 +34:12:01.2",
        "05h12m29.34s +34d12m01.2s",
        "5 12 29.34 34 12 01.2",
        "Gaia J051229.34+341201.2",
        "J05122934+3412012",
    ],
)
def test_the_star_nearest_to_a_position_is_shown_with_its_distance(table, text):
    found = find_star(text, table)
    assert found.obsid == 11
    assert "arcsec away" in found.sentence
    assert float(found.sentence.split(" arcsec")[0].split()[-1]) < 0.3


def test_distances_are_those_on_the_sphere(table):
    star = SkyCoord(RA, DEC, unit="deg")
    for arcsec, inside in ((RADIUS_ARCSEC - 0.2, True), (RADIUS_ARCSEC + 0.2, False)):
        beside = star.directional_offset_by(40.0 * u.deg, arcsec * u.arcsec)
        found = find_star(f"{beside.ra.deg:.7f} {beside.dec.deg:.7f}", table)
        assert (found.obsid == 11) is inside
        assert f"{arcsec:.1f}" in found.sentence


def test_the_nearest_star_may_be_far_or_at_the_pole(table):
    assert "deg away" in find_star("100.0 -20.0", table).sentence
    pole = find_star("45.0 -89.9995", table)
    assert pole.obsid == 13
    assert "2.65 arcsec" in pole.sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("42", "no star with obsid 42"),
        ("9" * 30, "larger than any"),
        ("<b>", "is not an obsid"),
        ("Betelgeuse", "is not an obsid"),
        ("400 95", "no position"),
        ("J251229.34+341201.2", "no position"),
        ("٣", "no position"),
        ("-", "is not an obsid"),
        ("x" * 5000, "is not an obsid"),
    ],
)
def test_what_names_no_star_is_answered_with_a_sentence(table, text, words):
    found = find_star(text, table)
    assert found.obsid is None
    assert words in found.sentence


def test_catalogues_without_positions_say_so():
    bare = StarTable.from_frame(pd.DataFrame({"obsid": np.array([1], np.int64)}))
    assert "no positions" in find_star("10 20", bare).sentence
    assert find_star("1", bare) == (1, "")
