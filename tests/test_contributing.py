"""CONTRIBUTING.md is right: its steps are taken in a copy of the project, and what follows is checked there."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STEP = re.compile(
    r"^(?:In `(?P<file>[^`]+)`, (?P<side>below|above) `(?P<anchor>[^`]+)`|New file `(?P<new>[^`]+)`):\n\n"
    r"```\w+\n(?P<block>.*?)```",
    re.MULTILINE | re.DOTALL,
)
LINES = {"column": 1, "setting": 1, "message": 4, "view": 8, "source": 36, "stage": 19, "quality bit": 1}
"""Lines of code of each step: one for a column, a setting and a bit, an entry for a view, a request and its handler."""
LEFT_OUT = shutil.ignore_patterns(".*", "*.egg-info", "ui", "benchmarks", "faults", "node_modules")


def section(title):
    """Text of one section of CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {title}\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    assert found, f"CONTRIBUTING.md has no section {title!r}"
    return found[1]


def take(step, copy):
    """Take a step in a copy of the project."""
    path = copy / (step["file"] or step["new"])
    if step["new"]:
        assert not path.exists()
        path.write_text(step["block"], encoding="utf-8")
        return
    text, anchor, block = path.read_text(encoding="utf-8"), step["anchor"], step["block"]
    assert text.count(f"{anchor}\n") == 1, f"{path.name} has no single line {anchor!r}"
    new = f"{anchor}\n{block}" if step["side"] == "below" else f"{block}{anchor}\n"
    path.write_text(text.replace(f"{anchor}\n", new), encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the project in which all steps have been taken."""
    folder = tmp_path_factory.mktemp("contributing") / "copy"
    for part in ("pipeline", "explorer", "assets", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=LEFT_OUT)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name in LINES:
        for step in STEP.finditer(section(f"Add a {name}")):
            take(step, folder)
    return folder


@pytest.mark.parametrize("name", LINES)
def test_a_step_is_as_short_as_contributing_says(name):
    blocks = [step["block"] for step in STEP.finditer(section(f"Add a {name}"))]
    assert len([line for block in blocks for line in block.splitlines() if line.strip()]) == LINES[name]


@pytest.fixture(scope="module")
def failures(copy, tmp_path_factory):
    """Traces of the checks that fail with the copy's modules, by name."""
    folder = tmp_path_factory.mktemp("checks")
    environment = {**os.environ, "PYTHONPATH": str(copy), "MPLBACKEND": "agg"}
    command = [sys.executable, "-m", "tests.contributing_checks", str(folder)]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "failures.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["column", "setting", "message", "view", "build"])
def test_the_steps_lead_to_what_contributing_says(name, failures):
    assert name not in failures, failures[name]


def test_the_code_of_the_steps_is_clean(copy):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "pipeline", "explorer"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_file_that_contributing_names_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    new = {step["new"] for step in STEP.finditer(text)}
    for name in re.findall(r"`((?:pipeline|explorer|tests|assets)/[\w./]+)`", text):
        assert name in new or (ROOT / name).exists(), f"CONTRIBUTING.md names {name}, which does not exist"
