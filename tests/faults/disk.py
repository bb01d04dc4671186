"""Disks that fill up in the middle of a build, and disks on which a build cannot fit."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.faults.signals import CONFIGURATION, build, environment, same_products

MB = 1_000_000
LARGEST = 13.0
"""MB; the build needs 14.3."""


class SmallDisk:
    """A tmpfs of a size that can grow; without the right to mount one, a limit on the size of files."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.mounted = self._mount("size=1m") if os.geteuid() == 0 else False
        self.limit = 0

    def _mount(self, options):
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(self.folder)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    @property
    def way(self):
        """How the disk is made small."""
        return "tmpfs" if self.mounted else "RLIMIT_FSIZE"

    def grow(self, megabytes):
        """Give it another size; the largest files have a sixth of the whole."""
        if self.mounted:
            assert self._mount(f"remount,size={int(megabytes * MB)}")
        else:
            self.limit = int(megabytes * MB / 6)

    def end(self):
        """Unmount it."""
        if self.mounted:
            subprocess.run(["umount", str(self.folder)], check=True)


def run(disk, configuration, output, *, estimate):
    """Build; status and what was said."""
    program = ["-m", "pipeline"] if estimate else [str(Path(__file__).with_name("_limited_build.py")), str(disk.limit)]
    command = [sys.executable, *program, "build", str(configuration), "--output", str(output), "--quiet"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.strip()


def refused(status, said, path):
    """What was wrong with a refusal; "" when nothing."""
    if status != 2:
        return f"status {status}: {said[-300:]}"
    if len(said.splitlines()) != 1 or not said.startswith("error: ") or str(path) not in said or "Traceback" in said:
        return f"said {said[-300:]!r}"
    return ""


def filling(folder, sizes):
    """One build on a disk that is full at each of the sizes, then has room."""
    configuration = folder / "small.toml"
    configuration.write_text(CONFIGURATION)
    build(configuration, folder / "whole")
    disk = SmallDisk(folder / "disk")
    output, troubles, said = disk.folder / "out", [], []
    try:
        for megabytes in sizes:
            disk.grow(megabytes)
            status, errors = run(disk, configuration, output, estimate=False)
            said.append(errors.rpartition("/")[2].partition(".")[0])
            if trouble := refused(status, errors, disk.folder):
                troubles.append(f"{megabytes} MB: {trouble}")
        disk.grow(10 * LARGEST)
        disk.limit = 0
        build(configuration, output)
        same = same_products(folder / "whole", output)
    finally:
        disk.end()
    yield {
        "fault": "a disk that fills up in the middle of a build",
        "tried": len(sizes),
        "survived": len(sizes) - len(troubles) if same else 0,
        "way": disk.way,
        "megabytes": list(sizes),
        "files_refused": said,
        "same_product_at_the_end": same,
        "troubles": troubles,
    }


def too_small(folder, sizes):
    """Builds that the estimate refuses before they start."""
    configuration = folder / "large.toml"
    configuration.write_text(CONFIGURATION.replace("n_stars = 100", "n_stars = 3000"))
    disk, troubles = SmallDisk(folder / "small disk"), []
    if not disk.mounted:
        return
    try:
        for megabytes in sizes:
            disk.grow(megabytes)
            status, errors = run(disk, configuration, disk.folder / "out", estimate=True)
            trouble = refused(status, errors, disk.folder)
            if trouble or any(disk.folder.iterdir()):
                troubles.append(f"{megabytes} MB: {trouble or 'it started'}")
    finally:
        disk.end()
    yield {
        "fault": "a disk on which a build cannot fit",
        "tried": len(sizes),
        "survived": len(sizes) - len(troubles),
        "way": disk.way,
        "megabytes": list(sizes),
        "troubles": troubles,
    }


def main(quick):
    """Full disks of many sizes."""
    with tempfile.TemporaryDirectory() as name:
        count = 3 if quick else 20
        sizes = [round(0.1 + k * (LARGEST - 0.1) / (count - 1), 2) for k in range(count)]
        yield from filling(Path(name), sizes)
        yield from too_small(Path(name), (20, 100, 250)[: 1 if quick else 3])
