"""CONTRIBUTING.md is right: its steps are taken in a copy of the project, and what follows is checked there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STEP = re.compile(r"^In `([^`]+)`, (below|above) `([^`]+)`:\n\n```text\n(.*?)```", re.MULTILINE | re.DOTALL)
LEFT_OUT = shutil.ignore_patterns(".*", "*.egg-info", "ui", "benchmarks", "faults", "node_modules")


def section(title):
    """Text of one section of CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {title}\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    assert found, f"CONTRIBUTING.md has no section {title!r}"
    return found[1]


def take(steps, copy):
    """Take the steps in a copy of the project."""
    for name, side, anchor, block in steps:
        path = copy / name
        text = path.read_text(encoding="utf-8")
        assert text.count(f"{anchor}\n") == 1, f"{name} has no single line {anchor!r}"
        new = f"{anchor}\n{block}" if side == "below" else f"{block}{anchor}\n"
        path.write_text(text.replace(f"{anchor}\n", new), encoding="utf-8")


def check(name, copy, folder):
    """Run the check of a step with the copy's modules."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "MPLBACKEND": "agg"}
    command = [sys.executable, "-m", "tests.contributing_checks", name, str(folder)]
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("name", "lines"), [("column", 1), ("setting", 1), ("message", 4), ("view", 8)])
def test_a_step_leads_to_what_contributing_says(name, lines, tmp_path):
    steps = STEP.findall(section(f"Add a {name}"))
    code = [line for *_, block in steps for line in block.splitlines() if line.strip()]
    assert len(code) == lines, "one line a column or setting, one entry a view, a request and its handler a message"
    copy = tmp_path / "copy"
    for part in ("pipeline", "explorer", "assets", "tests"):
        shutil.copytree(ROOT / part, copy / part, ignore=LEFT_OUT)
    (tmp_path / "products").mkdir()
    take(steps, copy)
    done = check(name, copy, tmp_path / "products")
    assert done.returncode == 0, done.stderr


def test_every_file_that_contributing_names_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for name in re.findall(r"`((?:pipeline|explorer|tests|assets)/[\w./]+)`", text):
        assert (ROOT / name).exists(), f"CONTRIBUTING.md names {name}, which does not exist"
