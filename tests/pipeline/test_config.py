"""Configurations: unknown keys and wrong types are refused with the remedy."""

import re
from pathlib import Path

import pytest

from pipeline.config import ConfigError, load_config
from pipeline.sources.archives.profile_reading import load_archives
from pipeline.stages.fetched_inputs import refuse_missing_files
from pipeline.stages.paths import data_path

CUSTOM = "[kinematics]\nframe = 'custom'\n[kinematics.custom_frame]\n"


def written(tmp_path, text):
    path = tmp_path / "run.toml"
    path.write_text(text)
    return str(path)


def test_defaults_and_name_from_the_file(tmp_path):
    config = load_config(written(tmp_path, ""))
    assert config.name == "run"
    assert config.input.kind == "mock"
    assert config.folder == tmp_path
    assert "folder" not in config.as_dict()


def test_integers_become_floats_where_floats_are_meant(tmp_path):
    config = load_config(written(tmp_path, "[spectra]\nfirst_angstrom = 4600\nmasked_windows_angstrom = [[1, 2]]"))
    assert config.spectra.first_angstrom == 4600.0
    assert config.spectra.masked_windows_angstrom == ((1.0, 2.0),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "[[input.source]]\nspectra = 'a'\n[[input.source]]\ntable = 'b'\nunmatched = 'add'",
            'input.source[2].unmatched = "add" needs a run without spectra',
        ),
        ("[labels]\nengin = 'admm'", "unknown key 'labels.engin'. Did you mean 'engine'"),
        ("[input]\nkind = 'magic'", "input.kind must be one of mock"),
        ("[input]\nn_stars = 'many'", "'input.n_stars' must be int; found 'many'"),
        ("[labels]\nnames = 'teff'", "must be a list"),
        ("[spectra]\nmasked_windows_angstrom = [[1, 2, 3]]", "must have 2 entries"),
        ("[spectra]\nfirst_angstrom = 9000.0", "must be below"),
        ("input = 3", "must be a table"),
        ("[kinematics]\ncustom_frame = 3", "'kinematics.custom_frame' must be a table"),
        (f"{CUSTOM}r0_kps = 8", "unknown key 'kinematics.custom_frame.r0_kps'. Did you mean 'r0_kpc'"),
        (f"{CUSTOM}v_sun_kms = [11.1, 252.2]", "'kinematics.custom_frame.v_sun_kms' must have 3 entries"),
        (f"{CUSTOM}source = 'me'", "r0_kpc must be positive and above abs(z_sun_kpc); found 0.0 and 0.0"),
        (f"{CUSTOM}source = 'me'\nr0_kpc = -8.0", "r0_kpc must be positive"),
        (f"{CUSTOM}source = 'me'\nr0_kpc = 8.0\nz_sun_kpc = -9.0", "r0_kpc must be positive and above"),
        (f"{CUSTOM}source = 'me'\nr0_kpc = nan", "kinematics.custom_frame must be finite"),
        (f"{CUSTOM}source = 'me'\nr0_kpc = 8.0\nv_sun_kms = [1, inf, 0]", "kinematics.custom_frame must be finite"),
        (f"{CUSTOM}r0_kpc = 8.0\nv_sun_kms = [11.1, 12.24, 7.25]", "V must be above its peculiar 12.24 km/s"),
        (f"{CUSTOM}r0_kpc = 8.0\nv_sun_kms = [11.1, 252.2, 7.25]", "source must say where its numbers come from"),
        ("[kinematics.custom_frame]\nr0_kpc = 8.0", "kinematics.frame is 'paper'; set it to \"custom\""),
        ("[kinematics.stream_columns]\nra = 'RA'", "set kinematics.stream_model too"),
        ("[kinematics]\nstream_model = 'a'\n[kinematics.stream_columns]\nvgsr = 'v'", "Did you mean 'v_gsr'"),
        ("[distance]\nisochrones = 'a.dat'", "'distance.isochrones' must be a list"),
        ("name = [", "not valid TOML"),
    ],
)
def test_errors_name_key_value_and_remedy(tmp_path, text, says):
    with pytest.raises(ConfigError) as caught:
        load_config(written(tmp_path, text))
    assert says in str(caught.value)


def test_the_readme_s_examples_are_configurations_and_profiles(tmp_path):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    assert examples
    for text in examples:
        if text.startswith("[service."):
            load_archives(Path(written(tmp_path, text)))
        else:
            load_config(written(tmp_path, text))


def test_unknown_name_lists_what_ships():
    with pytest.raises(ConfigError, match="demo, paper, paper-exact, qiu2023, real-spectra, real-tables, real-xp"):
        load_config("nope")


def test_a_path_is_looked_for_beside_the_configuration_then_in_the_data_then_in_the_downloads(tmp_path, monkeypatch):
    data, home = tmp_path / "data", tmp_path / "home"
    monkeypatch.setenv("MGIANT_HOME", str(home))
    monkeypatch.setenv("MGIANT_DATA", str(data))
    config = load_config(written(tmp_path, "[[input.source]]\ntable = 'stars.csv'\n"))
    places = [tmp_path / "stars.csv", data / "stars.csv", home / "downloads" / "stars.csv"]
    assert data_path(config, "stars.csv") == places[1], "where it is missing"
    for place in reversed(places):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("")
        assert data_path(config, "stars.csv") == place


def test_what_a_fetch_must_get_is_named_with_the_way_by_hand_and_what_only_the_command_can_do(tmp_path, monkeypatch):
    monkeypatch.setenv("MGIANT_HOME", str(tmp_path))
    monkeypatch.delenv("MGIANT_DATA", raising=False)
    folder = tmp_path / "downloads" / "qiu2023"
    with pytest.raises(ConfigError) as caught:
        refuse_missing_files(load_config("qiu2023"))
    head, *lines = str(caught.value).splitlines()
    assert head.startswith("7 of the inputs of 'qiu2023' are missing. python -m pipeline fetch qiu2023 gets them")
    by_hand = [line for line in lines if line.startswith("  By hand: ")]
    assert len(by_hand) == 5
    assert f"put it into {folder} as m_giants.parquet, whatever its format" in by_hand[0]
    assert "MD5 ab815d2fd3068d1b81a1bd61fb18a722: get it in a browser from https://doi.org/" in by_hand[-1]
    assert lines[-1].startswith(
        "  After these files only the command can get: rows of the M giants in LAMOST's catalogue"
    )


@pytest.mark.parametrize(("fetch", "expected"), [("", "beside"), ("fetch = 'qiu2023'", "downloads")])
def test_a_missing_path_is_where_a_fetch_would_put_it(tmp_path, monkeypatch, fetch, expected):
    monkeypatch.setenv("MGIANT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MGIANT_DATA", raising=False)
    config = load_config(written(tmp_path, f"[input]\n{fetch}\n[[input.source]]\ntable = 'stars.csv'\n"))
    places = {"beside": tmp_path / "stars.csv", "downloads": tmp_path / "home" / "downloads" / "stars.csv"}
    assert data_path(config, "stars.csv") == places[expected]


def test_a_fetch_is_refused_where_it_has_no_effect_or_does_not_exist(tmp_path):
    with pytest.raises(ConfigError, match=r"input\.fetch has no effect"):
        load_config(written(tmp_path, "[input]\nkind = 'mock'\nfetch = 'qiu2023'\n"))
    config = load_config(written(tmp_path, "[input]\nfetch = 'qui'\n[[input.source]]\ntable = 'stars.csv'\n"))
    with pytest.raises(ConfigError, match=r"input\.fetch is 'qui'; there are apogee, dust, gaia"):
        refuse_missing_files(config)
