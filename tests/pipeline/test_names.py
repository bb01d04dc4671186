"""Names of runs, which become file names."""

from pathlib import PurePosixPath

import pytest

from pipeline.config import ConfigError, RunConfig, load_config
from pipeline.domain.names import MAX_NAME, file_name, is_run_name

PATHS = ("../../evil", "/etc/evil", "..", ".", "", " ", "a\nb", "a/b", "a\\b", "C:evil", "a\0b", "a.", "~", "-rf")


@pytest.mark.parametrize("name", [*PATHS, "x" * (MAX_NAME + 1), 7, None])
def test_a_name_that_is_a_path_is_refused_and_made_safe(name):
    assert not is_run_name(name)
    with pytest.raises(ConfigError, match="products are written under it"):
        RunConfig(name)
    safe = file_name(name)
    assert is_run_name(safe)
    assert PurePosixPath(f"/home/{safe}.v1").parent == PurePosixPath("/home")


@pytest.mark.parametrize("name", ["demo", "M giants (v2), a+b", "Été_2.1", "simulated catalogue of 1,000"])
def test_ordinary_names_stay_as_they_are(name):
    assert file_name(name) == name == RunConfig(name).name


def test_a_configuration_that_names_no_run_has_the_name_of_its_file_made_safe(tmp_path):
    path = tmp_path / "my*survey?.toml"
    path.write_text("")
    assert load_config(str(path)).name == "my_survey"
    path.write_text('name = "../../evil"')
    with pytest.raises(ConfigError, match="name must be"):
        load_config(str(path))
