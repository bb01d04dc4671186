"""The integrated Sagittarius stream: reproducible, consistent, at the observed position."""

import numpy as np
import pandas as pd
import pytest

from pipeline.domain.frames import FRAMES, galactocentric_phase_space
from pipeline.science.stream.model import sagittarius_stream_model, triaxial_potential

FRAME = FRAMES["paper"]


@pytest.fixture(scope="module")
def stream():
    return sagittarius_stream_model(1500, 7, FRAME)


def test_same_seed_same_particles_and_numpy_left_alone(stream):
    before = np.random.get_state()  # noqa: NPY002 - galpy draws from the global generator
    again = sagittarius_stream_model(1500, 7, FRAME)
    after = np.random.get_state()  # noqa: NPY002
    np.testing.assert_array_equal(after[1], before[1])
    assert after[2:] == before[2:]
    for name in ("sgr_lambda", "distance", "rv", "pmra", "v_z"):
        np.testing.assert_array_equal(getattr(again, name), getattr(stream, name))
    other = sagittarius_stream_model(20, 8, FRAME)
    assert not np.array_equal(other.rv[:5], stream.rv[:5])


def test_sky_and_galactocentric_agree(stream):
    position, velocity = galactocentric_phase_space(
        stream.ra, stream.dec, stream.distance, stream.pmra, stream.pmdec, stream.rv, FRAME
    )
    np.testing.assert_allclose(position, np.stack([stream.x_gal, stream.y_gal, stream.z_gal], axis=1), atol=1e-6)
    np.testing.assert_allclose(velocity, np.stack([stream.v_x, stream.v_y, stream.v_z], axis=1), atol=1e-5)


def test_it_is_a_stream_about_its_own_equator(stream):
    assert len(stream) == 1500
    assert np.median(np.abs(stream.sgr_beta)) < 8
    assert 0.45 < stream.leading.mean() < 0.55
    assert stream.stripped_gyr.min() >= 0
    assert stream.stripped_gyr.max() <= 3.0 + 1e-6
    just_left = stream.stripped_gyr < 0.03
    assert np.abs((stream.sgr_lambda[just_left] + 180) % 360 - 180).max() < 25
    assert np.median(np.abs(stream.distance[just_left] - 26.67)) < 3


def test_arms_have_the_observed_signs(stream):
    trailing = (stream.sgr_lambda > 60) & (stream.sgr_lambda < 110) & ~stream.leading
    assert -170 < np.median(stream.v_gsr[trailing]) < -60
    assert 18 < np.median(stream.distance[trailing]) < 40
    leading = (stream.sgr_lambda > 215) & (stream.sgr_lambda < 260) & stream.leading
    assert -130 < np.median(stream.v_gsr[leading]) < 30


def test_wishes_that_cannot_be_met():
    with pytest.raises(ValueError, match="MWPotential2014"):
        sagittarius_stream_model(10, 1, FRAME, potential="kepler")
    with pytest.raises(ValueError, match="n_particles"):
        sagittarius_stream_model(1, 1, FRAME)


def test_the_potential_is_scaled_to_its_own_speed():
    potential, _ = triaxial_potential(8.34, 221.0)
    pull = -sum(float(part.Rforce(1.0, 0.0, phi=0.0, use_physical=False)) for part in potential)
    assert pull == pytest.approx(1.0, rel=0.02)


@pytest.mark.shared
def test_it_passes_among_the_real_giants(stream, shared_data):
    real = pd.read_csv(shared_data / "sgr_mgiants_slim.csv")
    lam = (360.0 - real["sgr_dr4.L_v"].to_numpy()) % 360.0
    distance, v_gsr = real["sgr_dr4.dist"].to_numpy(), real["sgr_dr4.vgsr"].to_numpy()
    for low, high, most_kms in ((20, 130, 25.0), (130, 170, 70.0), (200, 300, 45.0)):
        residual_d, residual_v = [], []
        for i in np.flatnonzero((lam > low) & (lam < high)):
            near = (np.abs(stream.sgr_lambda - lam[i]) < 7) & (np.abs(np.log(stream.distance / distance[i])) < 0.5)
            if near.sum() >= 3:
                residual_d.append(np.log(distance[i] / np.median(stream.distance[near])))
                residual_v.append(v_gsr[i] - np.median(stream.v_gsr[near]))
        assert len(residual_d) >= 25
        assert abs(np.median(residual_d)) < 0.25
        assert abs(np.median(residual_v)) < most_kms
