"""Stream model of a build: from a file, or integrated once and cached."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.config import load_config
from pipeline.domain.frames import FRAMES, SolarFrame
from pipeline.products.manifest import file_sha256
from pipeline.products.overlays import read_overlays
from pipeline.science.stream.model import stream_from_sky
from pipeline.stages import stream_models
from pipeline.stages.sky import galactic_coordinates
from pipeline.stages.spatial import place_in_phase_space, place_in_stream, stream_coordinates
from pipeline.stages.state import BuildState
from pipeline.stages.stream_models import integrated_stream

PAPER = FRAMES["paper"]


def made_up(n, seed, frame):
    rng = np.random.default_rng(seed)
    sky = {
        "ra": rng.uniform(0, 360, n),
        "dec": rng.uniform(-60, 60, n),
        "distance": rng.uniform(10, 50, n),
        "pmra": rng.normal(0, 2, n),
        "pmdec": rng.normal(0, 2, n),
        "rv": rng.normal(0, 100, n),
    }
    return stream_from_sky(sky, frame, stripped_gyr=np.ones(n), leading=rng.random(n) < 0.5, name="made up (simulated)")


@pytest.fixture
def calls(monkeypatch):
    made = []

    def spray(n, seed, frame):
        made.append((n, seed, frame.name))
        return made_up(n, seed, frame)

    monkeypatch.setattr(stream_models, "sagittarius_stream_model", spray)
    return made


def same(one, other):
    assert one.name == other.name
    for name in vars(one):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_stream_is_integrated_once(tmp_path, calls):
    folder = tmp_path / "not" / "there"
    first = integrated_stream(30, 1, PAPER, folder)
    same(first, integrated_stream(30, 1, PAPER, folder))
    assert len(calls) == 1
    assert [path.suffix for path in folder.iterdir()] == [".npz"]


@pytest.mark.parametrize(
    "other",
    [
        (31, 1, PAPER),
        (30, 2, PAPER),
        (30, 1, FRAMES["astropy v4.0"]),
        (30, 1, SolarFrame("paper", 8.34, 0.0, (11.1, 252.3, 7.25), PAPER.source)),
    ],
)
def test_what_it_depends_on_makes_another(tmp_path, calls, other):
    integrated_stream(30, 1, PAPER, tmp_path)
    integrated_stream(*other, tmp_path)
    assert len(calls) == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_another_galpy_or_other_code_makes_another(tmp_path, calls, monkeypatch):
    integrated_stream(30, 1, PAPER, tmp_path)
    monkeypatch.setattr(stream_models, "version", lambda package: f"{package} of tomorrow")
    integrated_stream(30, 1, PAPER, tmp_path)
    changed = tmp_path / "stream.py"
    changed.write_text("# other code\n")
    monkeypatch.setattr(stream_models.stream, "__file__", str(changed))
    integrated_stream(30, 1, PAPER, tmp_path)
    assert len(calls) == 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw[:0],
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw[:400] + bytes(64) + raw[464:],
        lambda raw: b"something else altogether" + raw[4:],
    ],
)
def test_a_damaged_stream_is_made_again_with_a_warning(tmp_path, calls, spoil):
    first = integrated_stream(30, 1, PAPER, tmp_path)
    path = next(tmp_path.glob("*.npz"))
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.warns(UserWarning, match="damaged"):
        same(integrated_stream(30, 1, PAPER, tmp_path), first)
    assert len(calls) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same(integrated_stream(30, 1, PAPER, tmp_path), first)
    assert len(calls) == 2


@pytest.mark.usefixtures("calls")
def test_a_file_of_the_wrong_length_is_damaged(tmp_path):
    integrated_stream(30, 1, PAPER, tmp_path)
    small, path = tmp_path / "small", next(tmp_path.glob("*.npz"))
    integrated_stream(29, 1, PAPER, small)
    next(small.iterdir()).replace(path)
    with pytest.warns(UserWarning, match="is not 30 numbers"):
        assert len(integrated_stream(30, 1, PAPER, tmp_path)) == 30


@pytest.mark.usefixtures("calls")
def test_where_nothing_can_be_kept_the_build_goes_on(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match="cannot be kept"):
        assert len(integrated_stream(30, 1, PAPER, tmp_path / "file" / "streams")) == 30


def state_of(tmp_path, text):
    (tmp_path / "run.toml").write_text(text)
    state = BuildState(load_config(str(tmp_path / "run.toml")), tmp_path / "work", tmp_path / "draft")
    state.table = pd.DataFrame(
        {"ra": [283.764, 326.662], "dec": [-30.48, -21.253], "distance": [26.28, 18.49], "rv_input": [143.1, 27.9]}
    )
    galactic_coordinates(state)
    stream_coordinates(state, quiet)
    return state


def quiet(fraction, message):
    assert 0.0 <= fraction <= 1.0
    assert message


def test_a_model_from_a_file_is_an_input_and_is_named(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"L": rng.uniform(0, 360, 90), "B": rng.uniform(-60, 60, 90), "D": rng.uniform(9, 60, 90)})
    frame.to_csv(tmp_path / "model.csv", index=False)
    state = state_of(
        tmp_path,
        '[kinematics]\nstream_model = "model.csv"\nstream_particles = 40\n'
        '[kinematics.stream_columns]\nglon = "L"\nglat = "B"\ndistance = "D [kpc]"\n',
    )
    assert place_in_stream(state, quiet) == 2
    assert state.facts["inputs"]["model.csv"] == file_sha256(tmp_path / "model.csv")
    assert state.facts["choices"]["stream model"] == "model.csv, 90 particles of a model (simulated)"
    drawn = read_overlays(state.draft)["stream_model"]
    assert len(drawn) == 40
    assert drawn[["sgr_lambda", "sgr_beta", "distance", "x_gal"]].notna().all().all()
    assert drawn[["v_gsr", "stripped_gyr"]].isna().all().all()
    np.testing.assert_allclose(state.table["sgr_lambda_v21"], [-0.018, -38.608], atol=1e-3)
    np.testing.assert_allclose(state.table["sgr_beta"], [1.495, -7.047], atol=1e-3)


def test_a_build_keeps_its_stream_and_takes_it_again(tmp_path, calls, monkeypatch):
    monkeypatch.setenv("MGIANT_HOME", str(tmp_path / "home"))
    for _ in range(2):
        state = state_of(tmp_path, "[kinematics]\nstream_particles = 50\n[input]\nseed = 9\n")
        place_in_stream(state, quiet)
    assert calls == [(50, 10, "paper")]
    assert len(list((tmp_path / "home" / "streams").iterdir())) == 1
    assert state.facts["choices"]["stream model"] == "made up (simulated)"


def test_membership_can_be_left_out(tmp_path, calls):
    state = state_of(tmp_path, "[kinematics]\nstream_particles = 50\nmembership = false\n")
    assert place_in_stream(state, quiet) == 2
    assert "sgr_probability" not in state.table
    assert state.table["v_gsr"].notna().all()
    assert (tmp_path / "draft" / "overlays" / "stream_model.parquet").is_file()
    assert len(calls) == 1


CUSTOM = '[kinematics]\nframe = "custom"\n[kinematics.custom_frame]\nr0_kpc = 8.178\nz_sun_kpc = 0.0055\n'


def test_a_custom_frame(tmp_path):
    state = state_of(tmp_path, CUSTOM + 'v_sun_kms = [11.1, 247.4, 7.8]\nsource = "GRAVITY (2019)"\n')
    place_in_phase_space(state, quiet)
    assert state.facts["choices"]["frame"] == (
        "custom: R0 = 8.178 kpc, z_sun = 0.0055 kpc, v_sun = (11.1, 247.4, 7.8) km/s (GRAVITY (2019))"
    )
    np.testing.assert_allclose(state.table["x_helio"] - state.table["x_gal"], 8.178)


def test_files_are_found_below_the_data_folder(tmp_path, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    pd.DataFrame({"ra": [1.0], "dec": [2.0], "distance": [3.0]}).to_csv(data / "m.csv", index=False)
    monkeypatch.setenv("MGIANT_DATA", str(data))
    state = state_of(tmp_path, '[kinematics]\nstream_model = "m.csv"\n')
    assert len(stream_models.stream_model(state, PAPER)) == 1
    monkeypatch.setenv("MGIANT_DATA", str(Path("nowhere")))
    with pytest.raises(FileNotFoundError, match=r"m\.csv does not exist"):
        stream_models.stream_model(state, PAPER)
