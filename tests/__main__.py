"""The test commands: ``python -m tests [long | pytest arguments]``; "long" runs the browser journeys left out else.

Finds a Chromium for the browser tests and the packages of the TAP server, or installs them where it can, and says what
is missing where it cannot.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.archives import tap_packages

PROCESSES = 2
"""Test files that run side by side; more would compete with the builds and browsers that they start."""

LONG = "long"
"""Argument for, and mark of, the browser journeys that have a command of their own: together they take minutes."""

INSTALL_SECONDS = 600

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
    attempts = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if has_packages():
        attempts = [["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "chromium"]]
    return run_all("Chromium for the browser tests", attempts)


def has_packages() -> bool:
    """Whether the system's packages can be installed: Debian's, as root."""
    return shutil.which("apt-get") is not None and os.geteuid() == 0


def run_all(purpose: str, commands: list[list[str]]) -> str:
    """Run commands until one fails; "" or what went wrong."""
    for command in commands:
        print(f"{purpose}:", " ".join(command), flush=True)
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                timeout=INSTALL_SECONDS,
                env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            )
        except subprocess.TimeoutExpired:
            return f"`{' '.join(command)}` took more than {INSTALL_SECONDS} s"
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            return f"`{' '.join(command)}` failed: {lines[-1] if lines else 'no output'}"
    return ""


def install_tap_server() -> None:
    """Install the packages of the real TAP server where that is possible; without them its tests are skipped."""
    if tap_packages.reason_without() and has_packages():
        trouble = run_all(
            "Packages of the real TAP server",
            [
                ["apt-get", "update", "-q"],
                ["apt-get", "install", "-y", "-q", "--no-install-recommends", *tap_packages.PACKAGES],
            ],
        )
        if trouble:
            print(trouble, flush=True)
    print(tap_packages.reason_without() or "A real TAP server can be started.", flush=True)


def main() -> int:
    """Find Chromium and the TAP server, then run pytest on the whole suite."""
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
    install_tap_server()
    root = Path(__file__).resolve().parent
    arguments = sys.argv[1:]
    if arguments in ([], [LONG]):
        marked = LONG if arguments else f"not {LONG}"
        arguments = ["-n", str(PROCESSES), "--dist", "loadfile", "-m", marked, str(root)]
    return subprocess.call([sys.executable, "-m", "pytest", "-q", *arguments], cwd=root.parent)


if __name__ == "__main__":
    sys.exit(main())
