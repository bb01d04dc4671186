"""The test command: ``python -m tests [pytest arguments]``.

Finds a Chromium for the browser tests, or installs one where it can, and says what is missing where it cannot.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROCESSES = 2
"""Test files that run side by side; more would compete with the builds and browsers that they start."""

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_chromium() -> str | None:
    """Path of a Chromium: ``MGIANT_CHROMIUM``, one on the path, or Playwright's own download."""
    named = os.environ.get("MGIANT_CHROMIUM")
    if named:
        return named if Path(named).is_file() else None
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).is_file() else None


def install_chromium() -> str:
    """Try the system's packages as root, else Playwright's own download; "" or what went wrong."""
    attempts = []
    if shutil.which("apt-get") and os.geteuid() == 0:
        attempts += [["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "chromium"]]
    else:
        attempts.append([sys.executable, "-m", "playwright", "install", "chromium"])
    for command in attempts:
        print("Chromium for the browser tests:", " ".join(command), flush=True)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            return f"`{' '.join(command)}` failed: {lines[-1] if lines else 'no output'}"
    return ""


def main() -> int:
    """Find Chromium, then run pytest on the whole suite."""
    chromium, trouble = find_chromium(), ""
    if chromium is None:
        trouble = install_chromium()
        chromium = find_chromium()
    if chromium is None:
        print(
            "No Chromium: the browser tests cannot run. Install one (Debian: apt-get install chromium) or name it in "
            f"MGIANT_CHROMIUM. {trouble}",
            flush=True,
        )
    else:
        os.environ["MGIANT_CHROMIUM"] = chromium
        print(f"Chromium for the browser tests: {chromium}", flush=True)
    root = Path(__file__).resolve().parent
    arguments = sys.argv[1:] or ["-n", str(PROCESSES), "--dist", "loadfile", str(root)]
    return subprocess.call([sys.executable, "-m", "pytest", "-q", *arguments], cwd=root.parent)


if __name__ == "__main__":
    sys.exit(main())
