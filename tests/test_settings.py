"""Settings are declared once: help texts, refusals and documentation follow, and none is ignored."""

import ast
import dataclasses
import re
from pathlib import Path

import pytest

from explorer.config import AppConfig, command_line, options_table
from pipeline.config import ConfigError, RunConfig, load_config, sections, settings_table
from pipeline.domain.section import Limits, Section

ROOT = Path(__file__).resolve().parents[1]
SECTIONS = sections()
SETTINGS = [(name, item.name) for name, kind in SECTIONS.items() for item in dataclasses.fields(kind)]
CALLED = {"settings", "config", "source", "started"}
"""Names of variables and fields that hold a section, besides the section's own."""


def table_of(name, key, value):
    """TOML of one setting of a section."""
    head = "[[input.source]]" if name == "input.source" else f"[{name}]"
    return f"{head}\n{key} = {value}\n"


def loads(node):
    """What code reads from sections, as pairs: the name of what holds the section, and the setting."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Load):
            base = part.value
            yield base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", ""), part.attr
        elif isinstance(part, ast.Call) and getattr(part.func, "id", "") == "Enabled":
            yield tuple(ast.literal_eval(argument) for argument in part.args)
        elif isinstance(part, ast.Call) and getattr(part.func, "id", "") in ("asdict", "fields"):
            yield getattr(part.args[0], "attr", getattr(part.args[0], "id", "")), "*"


def read_settings(files, declared):
    """Pairs as :func:`loads` gives them; of the classes that declare settings only what is outside their checks."""
    found = set()
    for path in files:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name in declared:
                methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
                methods = [part for part in methods if not part.name.startswith(("check", "_"))]
                found |= {(node.name, name) for part in methods for base, name in loads(part) if base == "self"}
            else:
                found |= set(loads(node))
    return found


@pytest.mark.parametrize("kind", [*SECTIONS.values(), AppConfig], ids=lambda kind: kind.__name__)
def test_every_setting_has_a_help_text(kind):
    missing = [item.name for item in dataclasses.fields(kind) if not item.metadata.get("help")]
    assert not missing, f"settings of {kind.__name__} without a help text: {missing}"


def test_every_part_of_a_configuration_is_a_section():
    assert set(SECTIONS) == {
        *("input", "input.source", "spectra", "velocity", "labels", "selection", "distance", "kinematics"),
        *("kinematics.custom_frame", "kinematics.stream_columns"),
    }
    apart = {item.name for item in dataclasses.fields(RunConfig)} - set(SECTIONS)
    assert apart == {"name", "folder"}


@pytest.mark.parametrize("name", SECTIONS)
def test_an_unknown_setting_is_refused_with_the_nearest(name, tmp_path):
    nearest = max((item.name for item in dataclasses.fields(SECTIONS[name])), key=len)
    (tmp_path / "run.toml").write_text(table_of(name, f"{nearest}x", 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"unknown key '{name}\.{nearest}x'\. Did you mean '{nearest}'\?"):
        load_config(str(tmp_path / "run.toml"))


@pytest.mark.parametrize(
    ("section", "key"),
    [
        (name, item.name)
        for name, kind in SECTIONS.items()
        for item in dataclasses.fields(kind)
        if item.metadata.get("limits") and item.metadata["limits"].choices
    ],
)
def test_a_text_that_is_no_choice_is_refused(section, key, tmp_path):
    value = '["magic"]' if key == "names" else '"magic"'
    text = table_of(section, key, value) + ('table = "a.csv"\n' if section == "input.source" else "")
    (tmp_path / "run.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"{section}\S*\.{key} must be one of .*; found 'magic'"):
        load_config(str(tmp_path / "run.toml"))


@pytest.mark.parametrize(
    ("limits", "value", "says"),
    [
        (Limits(at_least=1), 0, "a must be 1 or more; found 0"),
        (Limits(above=0.0), 0.0, "a must be above 0; found 0.0"),
        (Limits(at_least=0.0, below=1.0), 1.0, "a must be 0 or more and below 1; found 1.0"),
        (Limits(above=0.0, at_most=60.0), 61.0, "a must be above 0 and at most 60; found 61.0"),
        (Limits(above=0.0), float("inf"), "found inf"),
        (
            Limits(at_least=0, at_most=62),
            (1, 63),
            r"a must hold numbers that are 0 or more and at most 62; found \[63\]",
        ),
        (Limits(above=0.0, non_empty=True), (), "a is empty"),
        (Limits(("one", "two")), "tow", "a must be one of one, two; found 'tow'. Did you mean 'two'"),
    ],
)
def test_limits_name_key_limit_and_value(limits, value, says):
    with pytest.raises(ConfigError, match=says):
        limits.check("a", value)


def test_defaults_are_within_their_limits():
    for name, kind in SECTIONS.items():
        if name not in ("input.source", "kinematics.custom_frame"):  # neither has a default that can be used
            kind().check(name)
        assert issubclass(kind, Section)


def test_every_setting_is_read():
    kinds = {kind.__name__ for kind in SECTIONS.values()}
    found = read_settings(sorted((ROOT / "pipeline").rglob("*.py")), kinds)

    def is_read(section, name):
        holders = CALLED | {section.rpartition(".")[2], SECTIONS[section].__name__}
        return any((holder, what) in found for holder in holders for what in (name, "*"))

    ignored = [f"{section}.{name}" for section, name in SETTINGS if not is_read(section, name)]
    assert not ignored, f"settings that nothing reads: {ignored}"
    assert not is_read("velocity", "no_such_setting")


def test_every_option_is_read_shown_and_documented():
    files = [*sorted((ROOT / "explorer").rglob("*.py")), ROOT / "run_app.py"]
    found = {name for holder, name in read_settings(files, {"AppConfig"}) if holder in {*CALLED, "AppConfig"}}
    ignored = {item.name for item in dataclasses.fields(AppConfig)} - found
    assert not ignored, f"fields of AppConfig that nothing reads: {ignored}"
    shown = " ".join(command_line().format_help().split())
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert set(options_table().splitlines()) <= set(readme)
    flags = [item.metadata["flag"] for item in dataclasses.fields(AppConfig) if item.metadata.get("flag")]
    assert len(flags) == 13
    for item in dataclasses.fields(AppConfig):
        if "flag" in item.metadata:
            assert item.metadata["help"] in shown
    rows = [line for line in readme if re.match(r"\| `--[a-z-]+` \|", line)]
    assert len(rows) == len(flags), "the README has options that do not exist"


def test_the_table_of_settings_has_a_row_for_each():
    assert len(settings_table().splitlines()) == len(SETTINGS) + 2
