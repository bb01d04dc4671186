"""The tools of the JavaScript: ``python -m tests.javascript [fmt | lint | check | test]``, all of them without a name.

``deno`` formats, lints, checks the types and runs the unit tests of ``assets/js``. Bokeh's own types are read from its
wheel, whose place an import map tells.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "assets" / "js"

LEAST_COVERED = 80.0
"""Percent of the lines of each pure module that unit tests run."""


def deno() -> str:
    """Return the path of deno, which the extra ``test`` installs."""
    return str(Path(sysconfig.get_path("scripts")) / "deno")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run deno in ``assets/js``, offline."""
    command = [deno(), *arguments]
    return subprocess.run(command, cwd=SCRIPTS, capture_output=True, text=True, check=False, env={"NO_COLOR": "1"})


def bokeh_types() -> Path:
    """Return the folder of Bokeh's declarations."""
    spec = importlib.util.find_spec("bokeh")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "server" / "static" / "js" / "lib"


def fmt() -> subprocess.CompletedProcess[str]:
    """Compare the layout with what ``deno fmt`` writes."""
    return run("fmt", "--check", ".")


def lint() -> subprocess.CompletedProcess[str]:
    """Look for mistakes."""
    return run("lint", ".")


def check() -> subprocess.CompletedProcess[str]:
    """Check the types strictly."""
    with tempfile.TemporaryDirectory() as folder:
        imports = Path(folder) / "imports.json"
        imports.write_text(json.dumps({"imports": {"bokeh/": f"{bokeh_types().as_uri()}/"}}), encoding="utf-8")
        return run("check", "--no-remote", f"--import-map={imports}", ".")


def test() -> subprocess.CompletedProcess[str]:
    """Run the unit tests."""
    return run("test", "--no-check", "--no-remote", "--quiet", ".")


TOOLS = {"fmt": fmt, "lint": lint, "check": check, "test": test}


def main() -> int:
    """Run the tools that are named, or all."""
    failed = 0
    for name in sys.argv[1:] or TOOLS:
        done = TOOLS[name]()
        failed |= done.returncode
        print(f"{name}: {'failed' if done.returncode else 'passed'}", flush=True)
        if done.returncode:
            print(done.stdout + done.stderr, flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
