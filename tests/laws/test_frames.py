"""Frames: round trips, handedness, and published numbers of the stream."""

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.frames import (
    FRAMES,
    SolarFrame,
    configured_frame,
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


def test_a_configuration_names_a_frame_or_brings_one():
    assert configured_frame("paper", {}) is FRAMES["paper"]
    own = {"r0_kpc": 8.178, "z_sun_kpc": 0.0055, "v_sun_kms": [11.1, 247.4, 7.8], "source": "somebody"}
    assert configured_frame("custom", own) == SolarFrame("custom", 8.178, 0.0055, (11.1, 247.4, 7.8), "somebody")
    with pytest.raises(ValueError, match=r"'astropy v4\.0', 'custom'; found 'solar'"):
        configured_frame("solar", {})


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
    with pytest.raises(ValueError, match="'LM10', 'V21' or 'B14'"):
        galactic_to_sagittarius(0.0, 0.0, convention="lm10")


def test_the_dwarf_itself_is_at_the_origin_of_the_stream():
    longitude, latitude = galactic_to_sagittarius(*equatorial_to_galactic(283.8313, -30.5453))
    assert min(longitude, 360.0 - longitude) < 1.0
    assert abs(latitude) < 2.0


VASILIEV_2021 = [
    (288.2850, -33.9943, -4.342, 4.379),
    (207.6631, 0.3263, 78.260, 2.749),
    (39.9652, 3.8957, -114.484, -0.164),
    (22.0418, -2.2126, -95.923, -3.938),
    (204.1837, 17.3710, 89.869, -10.237),
    (22.5106, -28.4554, -82.849, 18.936),
]
"""RA, Dec, Lambda, Beta of stars in the published catalogue of Vasiliev, Belokurov & Erkal (2021)."""


@pytest.mark.parametrize(("ra", "dec", "longitude", "latitude"), VASILIEV_2021)
def test_vasiliev_turns_the_longitude_alone(ra, dec, longitude, latitude):
    glon, glat = equatorial_to_galactic(ra, dec)
    found = galactic_to_sagittarius(glon, glat, convention="V21")
    assert found == pytest.approx((longitude, latitude), abs=1.1e-3)
    lam, beta = galactic_to_sagittarius(glon, glat)
    assert lam == pytest.approx(-longitude % 360.0, abs=1.1e-3)
    assert beta == found[1]


def belokurov_2014(ra, dec):
    """Lambda and B of Belokurov et al. (2014, MNRAS 437, 116), appendix: both reversed, straight from RA and Dec."""
    a, d = np.radians(ra), np.radians(dec)
    x, y, z = np.cos(a) * np.cos(d), np.sin(a) * np.cos(d), np.sin(d)
    along = -0.93595354 * x - 0.31910658 * y + 0.14886895 * z
    away = 0.21215555 * x - 0.84846291 * y - 0.48487186 * z
    return np.degrees(np.arctan2(along, away)), np.degrees(np.arcsin(0.28103559 * x - 0.42223415 * y + 0.86182209 * z))


@given(st.floats(0.0, 359.99), st.floats(-89.0, 89.0))
def test_the_three_conventions_are_one_frame(ra, dec):
    glon, glat = equatorial_to_galactic(ra, dec)
    lam, beta = galactic_to_sagittarius(glon, glat)
    v21, b14 = (galactic_to_sagittarius(glon, glat, convention=name) for name in ("V21", "B14"))
    published = belokurov_2014(ra, dec)
    assert np.cos(np.radians(published[0] - b14[0])) > 1.0 - 1e-10 / np.cos(np.radians(beta)) ** 2
    assert b14[1] == pytest.approx(published[1], abs=1e-4)
    assert np.cos(np.radians(v21[0] + lam)) == pytest.approx(1.0)
    assert np.cos(np.radians(v21[0] - b14[0])) == pytest.approx(1.0)
    assert v21[1] == beta == -b14[1]
    assert -180.0 <= v21[0] <= 180.0


@pytest.mark.parametrize(
    ("name", "arm"),
    [("Sgr", (-1, 1)), ("NGC 6715", (-1, 1)), ("Pal 12", (30, 60)), ("Whiting 1", (90, 120)), ("NGC 2419", (180, 200))],
)
def test_known_objects_of_the_stream(name, arm):
    from galpy.orbit import Orbit

    frame = FRAMES["astropy v4.0"]
    u_sun, v_sun, w_sun = frame.v_sun_kms
    known = Orbit.from_name(
        name, ro=frame.r0_kpc, vo=230.0, zo=frame.z_sun_kpc, solarmotion=[-u_sun, v_sun - 230.0, w_sun]
    )
    ra, dec = known.ra(), known.dec()
    longitude, latitude = galactic_to_sagittarius(*equatorial_to_galactic(ra, dec))
    published = belokurov_2014(ra, dec)
    assert (longitude + published[0] + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=1e-4)
    assert latitude == pytest.approx(-published[1], abs=1e-4)
    # M54 is the dwarf's heart, at Lambda = 0 by definition; Pal 12 and Whiting 1 trail it (Law & Majewski 2010b), and
    # NGC 2419 lies near the apocentre of the trailing arm (Belokurov et al. 2014). All lie near the stream's equator.
    assert arm[0] < (longitude + 90.0) % 360.0 - 90.0 < arm[1]
    assert abs(latitude) < 10.0
    if name in ("Sgr", "NGC 6715"):
        assert latitude == pytest.approx(1.5, abs=0.1)
    position, velocity = galactocentric_phase_space(
        [ra], [dec], [known.dist()], [known.pmra()], [known.pmdec()], [known.vlos()], frame
    )
    # Galpy's axes are left-handed, and it takes R0 along the plane rather than along the line to the centre.
    np.testing.assert_allclose(position[0], [-known.x(), known.y(), known.z()], atol=1e-4)
    np.testing.assert_allclose(velocity[0], [-known.vx(), known.vy(), known.vz()], atol=1e-3)


@pytest.mark.shared
def test_real_sagittarius_giants_match_their_own_coordinates(shared_data):
    stars = fits.getdata(shared_data / "sgr_mgiants_lamost_dr5_gaia_dr2.fits", 1)
    glon, glat = equatorial_to_galactic(stars["sgr_dr4.ra"], stars["sgr_dr4.dec"])
    longitude, latitude = galactic_to_sagittarius(glon, glat, convention="B14")
    apart = (longitude - stars["sgr_dr4.L_v"] + 180.0) % 360.0 - 180.0
    assert len(stars) == 195
    assert np.abs(apart).max() < 1e-4
    assert np.abs(latitude - stars["sgr_dr4.B_v"]).max() < 1e-4
    # Their V_gsr takes Dehnen & Binney's (1998) solar motion and 220 km/s: a fit to the 195 gives (9.99, 225.20, 7.19).
    velocity = line_of_sight_gsr(stars["rv_2"], glon, glat, FRAMES["DB98 + 220"])
    assert np.abs(velocity - stars["sgr_dr4.vgsr"]).max() < 0.05
