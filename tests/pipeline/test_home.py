"""Folders of the program, for pipeline and explorer."""

from pathlib import Path

import pytest

from explorer.config import AppConfig
from pipeline.home import cache_folder, data_folder
from pipeline.stages.paths import download_folder


@pytest.mark.parametrize(
    ("environment", "cache", "data"),
    [
        ({}, "~/.cache/mgiant-explorer", "~/.local/share/mgiant-explorer"),
        ({"MGIANT_HOME": ""}, "~/.cache/mgiant-explorer", "~/.local/share/mgiant-explorer"),
        ({"MGIANT_HOME": "~/x"}, "~/x", "~/x"),
        ({"MGIANT_HOME": "/a/b/../c"}, "/a/c", "/a/c"),
        ({"XDG_CACHE_HOME": "/c", "XDG_DATA_HOME": "/d"}, "/c/mgiant-explorer", "/d/mgiant-explorer"),
        (
            {"XDG_CACHE_HOME": "", "XDG_DATA_HOME": "not/absolute"},
            "~/.cache/mgiant-explorer",
            "~/.local/share/mgiant-explorer",
        ),
        ({"MGIANT_HOME": "/a", "XDG_CACHE_HOME": "/c"}, "/a", "/a"),
    ],
)
def test_folders_follow_the_environment(environment, cache, data):
    assert cache_folder(environment) == Path(cache).expanduser()
    assert data_folder(environment) == Path(data).expanduser()


def test_pipeline_and_explorer_agree(monkeypatch):
    for named in ("", "~/x", "/a/b"):
        monkeypatch.setenv("MGIANT_HOME", named)
        assert download_folder().parent == AppConfig.from_arguments([]).home == cache_folder()


def test_an_unknown_home_is_refused_by_name():
    with pytest.raises(ValueError, match="MGIANT_HOME is '~no-such-user/x'"):
        cache_folder({"MGIANT_HOME": "~no-such-user/x"})
