"""Rules of the repository: imports, types, lint, pinned versions, complete README."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from explorer.charts.view_specs import views_table
from explorer.vetting.rules import VettingRules
from pipeline.config import load_config, sections, settings_table, shipped_configurations
from pipeline.domain.columns import BY_NAME, COLUMNS, RELEASE_COLUMNS
from pipeline.domain.flags import FLAG_TEXTS, QualityFlag, readme_table

ROOT = Path(__file__).resolve().parents[1]


def run(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_import_contracts():
    done = run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr


def test_strict_types():
    done = run(sys.executable, "-m", "mypy")
    assert done.returncode == 0, done.stdout + done.stderr


def test_embedded_tables_are_found_from_any_folder(tmp_path):
    code = "from pipeline.sources.embedded import *; print(len(load_table(SYNTHETIC_TABLE)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_lint():
    done = run(sys.executable, "-m", "ruff", "check", ".")
    assert done.returncode == 0, done.stdout
    done = run(sys.executable, "-m", "ruff", "format", "--check", ".")
    assert done.returncode == 0, done.stdout


def test_constraints_are_plain_pins():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert len(lines) > 40
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9_.\-]+==[A-Za-z0-9_.\-+]+", line), line


def test_every_dependency_is_pinned_and_named_in_the_readme_with_its_purpose():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {
        line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    readme = (ROOT / "README.md").read_text().lower()
    for requirement in project["dependencies"] + project["optional-dependencies"]["test"]:
        name = re.match(r"[A-Za-z0-9\-]+", requirement)[0].lower()
        assert name in pinned, f"{name} has no pin in constraints.txt"
        assert f"| {name} |" in readme, f"{name} is not in the README's table of libraries"
        assert ">=" in requirement, f"{requirement} has no range"


def test_ci_runs_the_readme_test_command():
    command = re.search(r"^(python3\.11 .* -m tests)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert command, "the README has no one-line test command"
    ci = (ROOT / ".ci" / "run").read_text().replace(" -q ", " ")
    assert command[1] in ci


@pytest.mark.parametrize("name", sorted(shipped_configurations()))
def test_shipped_configurations_load_and_are_documented(name):
    assert load_config(name).name == name
    assert f"`{name}`" in (ROOT / "README.md").read_text()


def test_readme_names_every_setting_command_and_bit():
    readme = (ROOT / "README.md").read_text()
    import dataclasses

    there = set(readme.splitlines())
    differing = [row for row in settings_table().splitlines() if row not in there]
    assert not differing, f"rows of `python -m pipeline settings` that the README lacks: {differing}"
    names = "|".join(re.escape(name) for name in sections())
    shown = {line for line in there if re.match(rf"\| ({names}) \| `", line)}
    assert shown <= set(settings_table().splitlines()), "the README has settings that do not exist"
    for command in ("build", "verify", "release", "fetch", "mock"):
        assert f"python -m pipeline {command}" in readme
    for item in dataclasses.fields(VettingRules):
        assert f"`{item.name}`" in readme, f"vetting rule {item.name} is not in the README"
    for column in RELEASE_COLUMNS:
        assert f"`{column.name}`" in readme, f"column {column.name} of a release is not in the README"
    for flag in QualityFlag:
        assert f"`{flag.name}`" in readme, f"quality bit {flag.name} is not in the README"


def test_the_readme_has_the_table_of_views():
    readme = (ROOT / "README.md").read_text().splitlines()
    rows = list(views_table())
    start = readme.index(rows[0])
    assert readme[start : start + len(rows) + 1] == [*rows, ""]


def test_every_bit_has_one_meaning():
    assert set(FLAG_TEXTS) == set(QualityFlag)
    assert {name for text in FLAG_TEXTS.values() for name in (*text.evidence, *text.doubtful)} <= set(BY_NAME)
    readme = (ROOT / "README.md").read_text().splitlines()
    missing = [row for row in readme_table().splitlines() if row not in readme]
    assert not missing, f"rows that the README's table of quality bits lacks: {missing}"
    bits = [int(flag) for flag in QualityFlag]
    assert bits[:17] == [1 << bit for bit in range(17)]
    assert all(bit.bit_count() == 1 and bit < 1 << 31 for bit in bits), "the column holds 32-bit integers"
    assert bits == sorted(set(bits))


def test_columns_are_declared_once_and_completely():
    names = [column.name for column in COLUMNS]
    assert len(set(names)) == len(names)
    for column in COLUMNS:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        assert column.description, column.name
        assert column.ucd, column.name
        assert column.label, column.name
    assert sum(bool(column.paper_name) for column in COLUMNS) == 16
    from astropy.units import Unit

    for column in COLUMNS:
        Unit(column.unit)


def test_nothing_of_the_workplace_is_named():
    tracked = run("git", "ls-files").stdout.splitlines() or [str(p) for p in ROOT.glob("*.py")]
    for name in tracked:
        path = ROOT / name
        if (
            path.suffix in {".py", ".md", ".toml", ".txt", ".yaml", ".css", ".html"}
            and path.is_file()
            and path != Path(__file__)
        ):
            text = path.read_text(encoding="utf-8")
            assert "/root/" not in text, name
            assert "https://pypi" not in text, name
