"""The tools of the JavaScript: ``python -m tests.javascript [fmt | lint | check | test]``, all of them without a name.

``deno`` formats, lints, checks the types and runs the unit tests of ``assets/js``. Bokeh's own types are read from its
wheel, whose place an import map tells.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "assets" / "js"

PURE = (
    "base/arrays.js",
    "base/column_search.js",
    "base/matches.js",
    "base/messages.js",
    "base/reconnect.js",
    "base/sizes.js",
    "base/upload.js",
    "base/uuid.js",
    "base/words.js",
    "explore/completion.js",
    "explore/corrections.js",
    "explore/left_tour.js",
    "explore/look_values.js",
    "explore/placing.js",
    "explore/region_rows.js",
    "explore/table_steps.js",
    "explore/thumbnail_strokes.js",
    "figures/arrows.js",
    "figures/corner_cells.js",
    "figures/intervals.js",
    "figures/labels.js",
    "figures/map_pixels.js",
    "figures/margin_steps.js",
    "figures/pixels.js",
    "figures/region_edits.js",
    "figures/region_shapes.js",
    "figures/scales.js",
    "figures/ticks.js",
    "figures/turning.js",
    "star/controls.js",
    "star/kept.js",
    "star/line_steps.js",
    "vetting/drafts.js",
)
"""Modules without elements of the page and without Bokeh, each with unit tests beside it."""

MIN_COVERED = 80.0
"""Percent of the lines of each pure module that unit tests run."""


def deno() -> str:
    """Return the path of deno, which the extra ``test`` installs."""
    return str(Path(sysconfig.get_path("scripts")) / "deno")


def run(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run deno in ``assets/js`` with a text as its input."""
    env = os.environ | {"NO_COLOR": "1"}
    command = [deno(), *arguments]
    return subprocess.run(command, cwd=SCRIPTS, input=text, capture_output=True, text=True, check=False, env=env)


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
    """Run the unit tests, and report pure modules of which they run too little."""
    with tempfile.TemporaryDirectory() as folder:
        done = run("test", "--no-check", "--no-remote", "--quiet", f"--coverage={folder}", ".")
        report = run("coverage", "--lcov", folder)
    if done.returncode:
        return done
    if report.returncode:
        return report
    covered = coverage(report.stdout)
    done.stdout = "\n".join(f"{covered.get(name, 0.0):5.1f} % of {name}" for name in PURE)
    done.returncode = int(any(covered.get(name, 0.0) < MIN_COVERED for name in PURE))
    return done


def coverage(lcov: str) -> dict[str, float]:
    """Return the percent of lines that were run of each module, from a report in the format of lcov."""
    found = {}
    for record in lcov.split("end_of_record"):
        name = re.search(r"^SF:.*/assets/js/(.+)$", record, re.MULTILINE)
        counts = re.findall(r"^DA:\d+,(\d+)", record, re.MULTILINE)
        if name is not None and counts:
            found[name[1]] = 100.0 * sum(count != "0" for count in counts) / len(counts)
    return found


TOOLS = {"fmt": fmt, "lint": lint, "check": check, "test": test}


def main() -> int:
    """Run the tools that are named, or all."""
    failed = 0
    for name in sys.argv[1:] or TOOLS:
        done = TOOLS[name]()
        failed |= done.returncode
        print(f"{name}: {'failed' if done.returncode else 'passed'}", flush=True)
        if done.returncode or name == "test":
            print(done.stdout + (done.stderr if done.returncode else ""), flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
