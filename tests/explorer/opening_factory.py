"""Opens files with a fake command in place of ``python -m pipeline open``."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from products_factory import make_products

from explorer.model.opened_files import content_key
from explorer.model.opening import Opening

FAKE = Path(__file__).with_name("fake_open.py")
HEAD = "obsid,RA,DEC,dist,d_pc,my_class\n"
ORBITS = ("j_r", "j_phi", "j_z", "j_tot")


def fake_command(files, folder, progress):
    return (sys.executable, str(FAKE), *map(str, files), "--into", str(folder), "--progress-file", str(progress))


def make_both(folder, n_stars=60):
    """The products that the fake command copies."""
    make_products(folder / "quick", n_stars, spectra=False, drop=ORBITS)
    make_products(folder / "product", n_stars, spectra=False)
    return folder


def write_stars(path, n_stars=8):
    """A table of stars."""
    path.write_text(HEAD + "".join(f"{100 + k},{k},{k},{k}.5,{k}500,a\n" for k in range(1, n_stars + 1)))
    return path


class Openings:
    """Makes openings below a folder, and ends what still runs."""

    def __init__(self, folder):
        self.folder = folder
        self.made = []

    def __call__(self, *files, flags=()):
        """An opening; ``flags`` are the fake command's."""
        hold(self.folder, files, flags)
        self.made.append(Opening(files, folder_of(self.folder, files), command=fake_command))
        return self.made[-1]

    def close(self):
        for one in self.made:
            one.runner.stop()
            one.runner.wait(10)


def folder_of(opened, files):
    return opened / content_key(files, opened / "hashes.json")


def hold(opened, files, flags):
    """Set flags of the fake command, see there."""
    folder = folder_of(opened, files)
    folder.mkdir(parents=True, exist_ok=True)
    for flag in flags:
        (folder / flag).touch()
    return folder


def until(opening, wanted, seconds=20.0):
    """The first state that is wanted."""
    for _ in range(int(seconds / 0.02)):
        state = opening.state()
        if wanted(state):
            return state
        threading.Event().wait(0.02)
    raise AssertionError(f"never came: {state}")


def until_whole(opening):
    opening.start()
    return until(opening, lambda s: s.whole and s.opened)
