"""Packages of the real TAP server of the tests, and whether they are installed."""

from __future__ import annotations

from pathlib import Path

PYTHON, PROGRAM = Path("/usr/bin/python3"), Path("/usr/bin/dachs")
POSTGRES = Path("/usr/lib/postgresql/15/bin")
SPHERE = Path("/usr/share/postgresql/15/extension/pg_sphere.control")

PACKAGES = {
    "python3-gavo": PROGRAM,
    "postgresql-15": POSTGRES / "initdb",
    "postgresql-15-pgsphere": SPHERE,
    "postgresql-15-q3c": Path("/usr/share/postgresql/15/extension/q3c.control"),
}
"""Debian 12's packages, each with a file of it; recommended ones are not needed."""


def reason_without() -> str:
    """Why the server cannot run here; "" if it can."""
    missing = [package for package, path in PACKAGES.items() if not path.exists()]
    if not missing:
        return ""
    return (
        f"no real TAP server: {', '.join(missing)} not installed (as root on Debian 12: apt-get install "
        f"--no-install-recommends {' '.join(PACKAGES)})"
    )
