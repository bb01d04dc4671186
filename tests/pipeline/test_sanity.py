"""Physics checks: valid catalogues pass, wrong columns fail, releases need a reason."""

import json

import numpy as np
import pandas as pd
import pytest

from pipeline.__main__ import main
from pipeline.domain.checks import Verdict, checks_of, impossible
from pipeline.domain.frames import (
    FRAMES,
    cylindrical,
    equatorial_to_galactic,
    galactocentric_phase_space,
    sky_from_galactocentric,
)
from pipeline.products.product import Products
from pipeline.science.quality.sanity import (
    COLOUR,
    GRAVITY,
    MIN_STARS,
    MOTION_DISTANCE,
    MOTION_SPREAD,
    PARALLAX,
    REFLEX,
    RV_REFLEX,
    STREAM,
    V_Z,
    giant_colour,
    giant_gravity,
    physics_checks,
)

FRAME = FRAMES["paper"]
SKY = ("ra", "dec", "distance", "pmra", "pmdec", "rv")


def with_space(table):
    """Add place, motion and Galactic coordinates, as a build does."""
    position, velocity = galactocentric_phase_space(*(table[name] for name in SKY), FRAME)
    radius, v_r, v_phi = cylindrical(position, velocity)
    glon, glat = equatorial_to_galactic(table["ra"], table["dec"])
    names = ("z_gal", "r_gal", "v_r", "v_phi", "v_x", "v_y", "v_z", "glon", "glat")
    return table | dict(zip(names, (position[:, 2], radius, v_r, v_phi, *velocity.T, glon, glat), strict=True))


@pytest.fixture(scope="module")
def sound():
    """Giants of a rotating disc about the Sun, with parallaxes, colours and gravities that belong together."""
    rng = np.random.default_rng(5)
    n = 1500
    place = np.array([-FRAME.r0_kpc, 0.0, 0.0]) + rng.normal(0.0, (2.5, 2.5, 0.7), (n, 3))
    radius = np.hypot(*place[:, :2].T)
    rotation = np.stack([place[:, 1] / radius, -place[:, 0] / radius, np.zeros(n)], axis=1)
    sky = sky_from_galactocentric(place, 220.0 * rotation + rng.normal(0.0, (40.0, 30.0, 25.0), (n, 3)), FRAME)
    teff = rng.uniform(3500.0, 4600.0, n)
    k_abs = rng.uniform(-6.5, -3.0, n)
    table = {name: sky[name] for name in SKY} | {
        "teff": teff,
        "jk0": giant_colour(teff) + rng.normal(0.0, 0.03, n),
        "logg": giant_gravity(k_abs, teff) + rng.normal(0.0, 0.15, n),
        "k_mag": k_abs + 5.0 * np.log10(100.0 * sky["distance"]),
        "parallax": 1.0 / sky["distance"] + rng.normal(0.0, 0.02, n),
        "parallax_err": np.full(n, 0.02),
    }
    return with_space(table)


def verdicts(table, stream=None):
    return {one.name: one.verdict for one in physics_checks(table, FRAME, stream)}


def magnitudes(distance):
    """BP and RP of bright giants: what was once called pmra and pmdec."""
    rng = np.random.default_rng(6)
    faint = 10.7 + 0.1 * distance + rng.normal(0.0, 0.3, distance.size)
    return {"pmra": faint, "pmdec": faint - 1.9 + rng.normal(0.0, 0.05, distance.size)}


def test_a_sound_catalogue_passes(sound):
    found = verdicts(sound)
    assert found.pop(STREAM.name) == Verdict.TOO_FEW
    assert set(found.values()) == {Verdict.EXPECTED}, found


def test_magnitudes_under_the_names_of_proper_motions_are_impossible(sound):
    found = verdicts(with_space(sound | magnitudes(sound["distance"])))
    wrong = {name for name, verdict in found.items() if verdict == Verdict.IMPOSSIBLE}
    assert {REFLEX.name, MOTION_SPREAD.name, V_Z.name} <= wrong, found
    assert found[MOTION_DISTANCE.name] != Verdict.EXPECTED


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        (REFLEX, lambda t: {"pmra": t["pmra"][::-1], "pmdec": t["pmdec"][::-1]}),
        (REFLEX, lambda t: {"pmra": -t["pmra"]}),
        (RV_REFLEX, lambda t: {"rv": -t["rv"]}),
        (RV_REFLEX, lambda t: {"rv": t["rv"] / 299792.458}),
        (PARALLAX, lambda t: {"distance": 0.3 * t["distance"]}),
        (GRAVITY, lambda t: {"logg": t["logg"] + 2.0}),
        (COLOUR, lambda t: {"teff": t["teff"] + 900.0}),
        (V_Z, lambda t: {"pmdec": t["pmdec"] + 10.0}),
    ],
)
def test_each_wrong_column_is_impossible(sound, name, broken):
    assert verdicts(with_space(sound | broken(sound)))[name.name] == Verdict.IMPOSSIBLE


def test_few_stars_and_one_field_are_not_judged(sound):
    few = {name: values[: MIN_STARS - 1] for name, values in sound.items()}
    assert set(verdicts(few).values()) == {Verdict.TOO_FEW}
    cluster = sound | {"ra": 200.0 + 0.01 * sound["ra"], "dec": 10.0 + 0.01 * sound["dec"]}
    rng = np.random.default_rng(9)
    cluster |= {"pmra": rng.normal(3.0, 0.05, 1500), "pmdec": rng.normal(-2.0, 0.05, 1500)}
    assert verdicts(with_space(cluster))[MOTION_SPREAD.name] == Verdict.TOO_FEW


def test_stars_with_the_opposite_velocity_do_not_follow_the_stream():
    rng = np.random.default_rng(8)
    longitude = rng.uniform(0.0, 360.0, 400)
    stream = {"sgr_lambda": longitude, "distance": np.full(400, 25.0), "v_gsr": np.where(longitude < 180.0, 1e2, -1e2)}
    stars = {name: values + rng.normal(0.0, 1.0, 400) for name, values in stream.items()} | {"sgr_beta": np.zeros(400)}
    follow = physics_checks(stars, FRAME, stream)[-1]
    against = physics_checks(stars | {"v_gsr": -stars["v_gsr"]}, FRAME, stream)[-1]
    assert follow.name == STREAM.name
    assert follow.verdict == Verdict.EXPECTED
    assert follow.value > 1.5
    assert against.verdict == Verdict.IMPOSSIBLE


def test_real_stars_pass(shared_data):
    table = pd.read_csv(shared_data / "lamost_gaia_dr3_6d_nearby.csv")
    names = {"ra": "ra_gaia", "dec": "dec_gaia", "distance": "distance_pc"}
    real = {name: table[names.get(name, name)].to_numpy(float) for name in SKY}
    found = verdicts(with_space(real | {"distance": 1e-3 * real["distance"]}))
    assert Verdict.IMPOSSIBLE not in found.values()
    assert Verdict.UNLIKELY not in found.values()
    assert list(found.values()).count(Verdict.EXPECTED) == 8


def test_the_table_that_was_once_published_is_impossible(shared_data):
    table = pd.read_csv(shared_data / "lamost_dr4_mgiants_x_gaia_dr3_phot.csv")
    names = {"distance": "dist", "pmra": "bp_mag", "pmdec": "rp_mag"}
    real = {name: table[names.get(name, name)].to_numpy(float) for name in SKY}
    found = verdicts(with_space(real))
    assert Verdict.IMPOSSIBLE in {found[MOTION_SPREAD.name], found[REFLEX.name]}
    assert found[V_Z.name] == Verdict.IMPOSSIBLE


def test_a_release_needs_a_reason(sound, tmp_path, capsys):
    table = sound | magnitudes(sound["distance"])
    pd.DataFrame({name: table[name] for name in SKY}).to_csv(tmp_path / "stars.csv", index=False)
    (tmp_path / "run.toml").write_text(
        '[[input.source]]\ntable = "stars.csv"\n[kinematics]\nactions = false\nmembership = false\ndraws = 0\n'
        'stream_model = "stream.csv"\n'
        "[kinematics.stream_columns]\n"
        'ra = "ra"\ndec = "dec"\ndistance = "distance"\nrv = "rv"\n'
    )
    pd.DataFrame({name: table[name][:40] for name in SKY}).to_csv(tmp_path / "stream.csv", index=False)
    products = tmp_path / "products"
    assert main(["build", str(tmp_path / "run.toml"), "--output", str(products), "--quiet"]) == 0
    assert "physics: median V_Z of disc stars: IMPOSSIBLE" in capsys.readouterr().out
    checks = checks_of(Products.open(products).report)
    assert impossible(checks)
    command = ["release", str(products), "--name", "v1", "--output", str(tmp_path / "v1")]
    assert main(command) == 2
    assert "--despite" in capsys.readouterr().err
    assert not (tmp_path / "v1").exists()
    assert main([*command, "--despite", "a test of the gate"]) == 0
    words = json.loads((tmp_path / "v1" / "manifest.json").read_text())
    assert words["released_despite"] == "a test of the gate"
    assert "median V_Z" in words["failed_physics_checks"]
    assert "a test of the gate" in (tmp_path / "v1" / "CHANGELOG.md").read_text()
