"""Stream membership on a simulated sky, and the effect of unknown observables."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logit

from pipeline.domain.frames import (
    FRAMES,
    equatorial_to_galactic,
    galactic_to_sagittarius,
    line_of_sight_gsr,
    proper_motion_sagittarius,
    sky_from_galactocentric,
)
from pipeline.science.stream.membership import MEMBER_THRESHOLD, MembershipSettings, StreamStars, stream_membership
from pipeline.science.stream.model import sagittarius_stream_model

FRAME = FRAMES["paper"]
ERRORS = {"distance": 0.13, "velocity": 3.0, "motion": 0.05}


def observed(position, velocity, rng):
    sky = sky_from_galactocentric(position, velocity, FRAME)
    glon, glat = equatorial_to_galactic(sky["ra"], sky["dec"])
    n = len(position)
    noise = rng.standard_normal((4, n))
    pm = proper_motion_sagittarius(sky["ra"], sky["dec"], sky["pmra"], sky["pmdec"])
    return StreamStars(
        *galactic_to_sagittarius(glon, glat),
        *(sky["distance"] * np.exp(ERRORS["distance"] * noise[0]), np.full(n, ERRORS["distance"])),
        line_of_sight_gsr(sky["rv"], glon, glat, FRAME) + ERRORS["velocity"] * noise[1],
        np.full(n, ERRORS["velocity"]),
        *(one + ERRORS["motion"] * noise[2 + i] for i, one in enumerate(pm)),
        np.full(n, ERRORS["motion"]),
    )


def model_stars(model):
    n = np.zeros(len(model))
    motion = proper_motion_sagittarius(model.ra, model.dec, model.pmra, model.pmdec)
    return StreamStars(model.sgr_lambda, model.sgr_beta, model.distance, n, model.v_gsr, n, *motion, n)


@pytest.fixture(scope="module")
def sky():
    """200 stars of one stream, 1,500 of a disc and 100 of a halo; the model is another draw of that stream."""
    rng = np.random.default_rng(11)
    stream = sagittarius_stream_model(200, 5, FRAME)
    position = [np.stack([stream.x_gal, stream.y_gal, stream.z_gal], axis=1)]
    velocity = [np.stack([stream.v_x, stream.v_y, stream.v_z], axis=1)]
    radius, angle = rng.uniform(6, 13, 1500), rng.normal(np.pi, 0.5, 1500)
    position.append(np.stack([radius * np.cos(angle), radius * np.sin(angle), rng.normal(0, 0.8, 1500)], axis=1))
    around = np.stack([np.sin(angle), -np.cos(angle), np.zeros(1500)], axis=1)
    velocity.append(220.0 * around + rng.normal(0, 35, (1500, 3)))
    far = rng.standard_normal((100, 3))
    far *= (rng.uniform(8, 40, 100) / np.linalg.norm(far, axis=1))[:, None]
    position.append(far)
    velocity.append(rng.normal(0, 120, (100, 3)))
    stars = observed(np.concatenate(position), np.concatenate(velocity), rng)
    return stars, np.arange(1800) < 200, model_stars(sagittarius_stream_model(1500, 6, FRAME))


def test_members_are_found_and_others_are_not(sky):
    stars, true, particles = sky
    found = stream_membership(stars, particles, MembershipSettings())
    taken = found.probability > MEMBER_THRESHOLD
    assert (taken & true).sum() / true.sum() > 0.90
    assert (taken & true).sum() / taken.sum() > 0.90
    assert found.prior == pytest.approx(true.mean(), rel=0.15)


def test_the_terms_sum_to_the_log_odds(sky):
    stars, _, particles = sky
    found = stream_membership(stars, particles, MembershipSettings())
    odds = logit(found.prior) + found.terms.sum(axis=1)
    between = np.abs(odds) < 15
    np.testing.assert_allclose(logit(found.probability[between]), odds[between], atol=0.05)


def test_each_observable_adds_what_it_knows(sky):
    stars, true, particles = sky
    unknown = np.full(len(stars), np.nan)
    cases = {
        "all": stars,
        "no motion": replace(stars, pm_lambda=unknown, pm_beta=unknown),
        "distance only": replace(stars, pm_lambda=unknown, pm_beta=unknown, v_gsr=unknown),
    }
    wrong = {}
    for name, known in cases.items():
        found = stream_membership(known, particles, MembershipSettings())
        wrong[name] = np.abs(found.probability - true).mean()
        if name != "all":
            assert (found.terms[:, 3] == 0).all()
    assert wrong["all"] < wrong["no motion"] < wrong["distance only"] < 0.2
    assert (stream_membership(cases["distance only"], particles, MembershipSettings()).terms[:, 2] == 0).all()


def test_a_model_without_velocities_does_not_speak_of_them(sky):
    stars, true, particles = sky
    silent = replace(particles, v_gsr=np.full(len(particles), np.nan))
    found = stream_membership(stars, silent, MembershipSettings())
    assert (found.terms[:, 2] == 0).all()
    assert np.abs(found.probability - true).mean() < 0.1


def test_what_cannot_be_placed_has_no_probability(sky):
    stars, _, particles = sky
    few = stars.take(np.arange(4))
    lost = replace(few, distance=np.array([np.nan, 20.0, np.nan, np.nan]))
    found = stream_membership(lost, particles, MembershipSettings())
    assert np.isfinite(found.probability).tolist() == [False, True, False, False]
    nowhere = replace(few, distance=np.full(4, np.nan))
    assert np.isnan(stream_membership(nowhere, particles, MembershipSettings()).probability).all()
    with pytest.raises(ValueError, match="no particles"):
        stream_membership(few, particles.take(np.array([], int)), MembershipSettings())


def test_proper_motions_turn_with_the_coordinates():
    rng = np.random.default_rng(3)
    ra, dec = rng.uniform(0, 360, 50), rng.uniform(-70, 70, 50)
    pmra, pmdec = rng.normal(0, 3, (2, 50))
    along, across = proper_motion_sagittarius(ra, dec, pmra, pmdec)
    np.testing.assert_allclose(np.hypot(along, across), np.hypot(pmra, pmdec), rtol=1e-6)
    step = 1e-6
    moved = galactic_to_sagittarius(
        *equatorial_to_galactic(ra + step * pmra / np.cos(np.radians(dec)), dec + step * pmdec)
    )
    here = galactic_to_sagittarius(*equatorial_to_galactic(ra, dec))
    np.testing.assert_allclose((moved[1] - here[1]) / step, across, atol=2e-3)
    turned = ((moved[0] - here[0] + 180) % 360 - 180) / step * np.cos(np.radians(here[1]))
    np.testing.assert_allclose(turned, along, atol=2e-3)
