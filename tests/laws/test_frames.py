"""Frames: round trips, handedness, and the stream's own numbers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.frames import (
    FRAMES,
    equatorial_to_galactic,
    galactic_to_equatorial,
    galactic_to_sagittarius,
    galactocentric_phase_space,
    galactocentric_position,
    line_of_sight_gsr,
    sky_from_galactocentric,
)


@given(st.floats(0.0, 359.99), st.floats(-89.0, 89.0))
def test_galactic_round_trip(ra, dec):
    back = galactic_to_equatorial(*equatorial_to_galactic(ra, dec))
    assert np.cos(np.radians(back[0] - ra)) == pytest.approx(1.0, abs=1e-10)
    assert back[1] == pytest.approx(dec, abs=1e-8)


@pytest.mark.parametrize("frame", FRAMES.values(), ids=lambda f: f.name)
def test_sun_and_rotation(frame):
    sun = galactocentric_position([266.4], [-28.9], [1e-9], frame)[0]
    assert sun[0] == pytest.approx(-np.sqrt(frame.r0_kpc**2 - frame.z_sun_kpc**2), abs=1e-6)
    ra, dec = galactic_to_equatorial(0.0, 90.0)
    _, velocity = galactocentric_phase_space([ra], [dec], [1e-6], [0.0], [0.0], [0.0], frame)
    np.testing.assert_allclose(velocity[0], frame.v_sun_kms, atol=1e-3)


@pytest.mark.parametrize("frame", FRAMES.values(), ids=lambda f: f.name)
def test_phase_space_round_trip(frame):
    rng = np.random.default_rng(4)
    position, velocity = rng.normal(0, 8, (50, 3)), rng.normal(0, 150, (50, 3))
    sky = sky_from_galactocentric(position, velocity, frame)
    back = galactocentric_phase_space(
        sky["ra"], sky["dec"], sky["distance"], sky["pmra"], sky["pmdec"], sky["rv"], frame
    )
    np.testing.assert_allclose(back[0], position, atol=1e-6)
    np.testing.assert_allclose(back[1], velocity, atol=1e-3)


def test_stream_pole_is_where_law_and_majewski_put_it():
    assert galactic_to_sagittarius(273.75, -13.46)[1] == pytest.approx(90.0, abs=1e-4)
    with pytest.raises(ValueError, match="LM10"):
        galactic_to_sagittarius(0.0, 0.0, convention="lm10")


def test_the_dwarf_itself_lies_at_the_origin_of_the_stream():
    longitude, latitude = galactic_to_sagittarius(*equatorial_to_galactic(283.8313, -30.5453))
    assert min(longitude, 360.0 - longitude) < 1.0
    assert abs(latitude) < 2.0


def test_real_sagittarius_giants_match_their_own_coordinates(shared_data):
    stars = pd.read_csv(shared_data / "sgr_mgiants_slim.csv")
    glon, glat = equatorial_to_galactic(stars["ra_epoch2000"], stars["dec_epoch2000"])
    longitude, latitude = galactic_to_sagittarius(glon, glat, convention="V21")
    apart = (longitude - stars["sgr_dr4.L_v"] + 180.0) % 360.0 - 180.0
    assert np.abs(apart).max() < 2e-4  # their positions are rounded to 1e-6 deg, their Lambda to 1e-5
    assert np.abs(latitude - stars["sgr_dr4.B_v"]).max() < 1e-4
    velocity = line_of_sight_gsr(stars["rv_2"], glon, glat, FRAMES["DB98 + 220"])
    assert np.abs(velocity - stars["sgr_dr4.vgsr"]).max() < 0.05
