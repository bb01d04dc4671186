"""Settings with which a build of a few hundred stars takes seconds, after the inputs of any configuration."""

import re

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
