"""Simulated oddities: numbers, one an observation, visible in spectra or tables."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.mock import simulate
from pipeline.mock.oddities import CONTAMINANT_ODDITIES, ODDITIES, SPECTRAL_SHARES
from pipeline.mock.spectra import Light, StarLight

N = 1200


@pytest.fixture(scope="module")
def survey():
    return simulate(N, seed=21, training=300)


def rows_of(survey, kind):
    return np.flatnonzero(survey.truth["oddity"] == kind)


def window(survey, low, high):
    return (survey.wavelength > low) & (survey.wavelength < high)


def smooth_ratio(survey, rows, low, high):
    """Median over rows of observed flux over what would have shone without the oddity, level 1, in a window."""
    _, flux, _, mask = survey.observe(rows)
    starlight = StarLight()
    clean = starlight.received(
        Light.of(survey.light.labels[rows], survey.light.rv_kms[rows]), survey.conditions.ebv[rows]
    )
    inside = window(survey, low, high) & ~mask.any(axis=0)
    level = window(survey, 8000, 8950)
    flux = flux / np.median(flux[:, level], axis=1, keepdims=True)
    clean = clean / np.median(clean[:, level], axis=1, keepdims=True)
    return np.median(flux[:, inside] / clean[:, inside], axis=1)


def test_every_kind_is_planted_and_is_a_few_percent_together(survey):
    counts = survey.truth["oddity"].value_counts()
    assert set(counts.index) == {"", *ODDITIES}
    for kind, share in SPECTRAL_SHARES.items():
        assert counts[kind] == pytest.approx(share * N, abs=1.5), kind
    assert 0.03 < 1 - counts[""] / N < 0.08
    for kind, oddity in CONTAMINANT_ODDITIES.items():
        assert ((survey.truth["kind"] == kind) == (survey.truth["oddity"] == oddity)).all()


def test_sizes_are_known_where_there_is_one(survey):
    sizes = survey.truth.set_index("oddity")["oddity_size"]
    for kind in ("double-lined", "blend", "emission", "wrong sky", "mis-joined arms"):
        assert sizes[kind].notna().all()
    assert sizes[""].isna().all()


def test_the_same_seed_plants_the_same(survey):
    again = simulate(N, seed=21, training=300)
    assert again.truth.equals(survey.truth)
    rows = rows_of(survey, "double-lined")[:2]
    assert again.observe(rows)[1].tobytes() == survey.observe(rows)[1].tobytes()


def test_emission_fills_h_alpha(survey):
    rows = rows_of(survey, "emission")
    velocity = survey.light.rv_kms[rows]
    excess = []
    for row, rv in zip(rows, velocity, strict=True):
        place = 6564.6 * (1 + rv / 299792.458)
        line = smooth_ratio(survey, np.array([row]), place - 2, place + 2)
        beside = smooth_ratio(survey, np.array([row]), place + 20, place + 60)
        excess.append(float(line[0] / beside[0]))
    assert np.median(excess) > 1.3


def test_a_broken_join_is_a_step(survey):
    rows = rows_of(survey, "mis-joined arms")
    joined = replace(survey, conditions=replace(survey.conditions, arm_ratio=np.ones(N)))
    blue, red = window(survey, 5000, 5700), window(survey, 5900, 6500)
    broken, whole = (one.observe(rows)[1].astype(float) for one in (survey, joined))
    size = survey.truth["oddity_size"].to_numpy()[rows]
    np.testing.assert_allclose(broken[:, blue].sum(axis=1) / whole[:, blue].sum(axis=1), size, rtol=0.03)
    np.testing.assert_allclose(broken[:, red].sum(axis=1), whole[:, red].sum(axis=1), rtol=0.02)


def test_false_sky_shows_in_the_hydroxyl_lines(survey):
    rows = rows_of(survey, "wrong sky")
    lines = np.stack([smooth_ratio(survey, rows, at, at + 6) for at in (8401, 8433, 8829, 8852, 8888)]).mean(axis=0)
    beside = np.stack([smooth_ratio(survey, rows, at, at + 6) for at in (8415, 8447, 8838, 8865, 8900)]).mean(axis=0)
    assert np.mean(np.sign(lines - beside) == np.sign(survey.truth["oddity_size"].to_numpy()[rows])) > 0.8


def test_a_blend_is_bluer_than_its_giant(survey):
    rows = rows_of(survey, "blend")
    assert np.median(smooth_ratio(survey, rows, 4600, 5000)) > 1.3


def test_the_second_star_moves_at_its_own_velocity(survey):
    rows = rows_of(survey, "double-lined")
    moved = survey.second.rv_kms[rows] - survey.light.rv_kms[rows]
    np.testing.assert_allclose(moved, survey.truth["oddity_velocity"].to_numpy()[rows])
    assert (np.abs(moved) >= 80).all()
    assert (survey.conditions.share > 0).sum() == rows.size + rows_of(survey, "blend").size


def test_swapped_fibres_exchange_spectra_on_one_plate(survey):
    truth, rows = survey.truth, rows_of(survey, "swapped fibres")
    mate = truth["obsid"].searchsorted(truth["oddity_partner"].to_numpy()[rows])
    assert (survey.table["plan_id"].to_numpy()[rows] == survey.table["plan_id"].to_numpy()[mate]).all()
    np.testing.assert_array_equal(survey.light.labels[rows], survey.stars.labels[mate])
    np.testing.assert_array_equal(survey.conditions.ebv[rows], survey.stars.ebv[mate])


def test_mislabelled_stars_have_the_labels_of_another(survey):
    truth, rows = survey.truth, rows_of(survey, "mislabelled")
    labels, own = survey.table[["teff_ref", "m_h_ref"]].to_numpy(float)[rows], survey.stars.labels[rows][:, [0, 2]]
    assert (np.abs(labels - own) > (50.0, 0.15)).any(axis=1).all()
    assert truth[truth["oddity"] == "mislabelled"].groupby("true_star").ngroups >= 4
    stars = set(truth["true_star"].to_numpy()[rows])
    assert (truth["oddity"][truth["true_star"].isin(stars)] == "mislabelled").all()
