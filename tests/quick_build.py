"""Settings with which a build of a few hundred stars takes seconds, after the inputs of any configuration."""

import re
import subprocess
import sys
from pathlib import Path

QUICK = """
[spectra]
first_angstrom = 8000.0
last_angstrom = 8950.0
[velocity]
zero_point_group = "spectrograph"
apply_zero_points = true
[labels]
c_grid = [10.0]
gamma_grid = [0.1]
folds = 3
out_of_fold_models = 2
min_snr = 20.0
[distance]
draws = 15
[kinematics]
draws = 4
stream_particles = 300
map_min_stars = 2
"""
"""Sections after ``[input]``."""

_SECTION = re.compile(r"^\[(?!input|\[)", re.MULTILINE)


def with_quick_settings(text: str) -> str:
    """A configuration with its inputs and the quick settings."""
    section = _SECTION.search(text)
    return (text if section is None else text[: section.start()]) + QUICK


def build_real_table(shared: Path, folder: Path) -> Path:
    """Build a product of the 195 real Sagittarius giants, a table without spectra, with the quick settings."""
    source = f'[[input.source]]\ntable = "{shared / "sgr_mgiants_lamost_dr5_gaia_dr2.fits"}"\n'
    configuration, product = folder / "real.toml", folder / "real"
    configuration.write_text(with_quick_settings(f'name = "real"\n{source}'), encoding="utf-8")
    command = [sys.executable, "-m", "pipeline", "build", str(configuration), "--output", str(product)]
    subprocess.run(command, check=True, capture_output=True)
    return product
