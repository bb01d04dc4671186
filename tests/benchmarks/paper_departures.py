"""What each departure from the paper's settings gains, one at a time, on a small simulated survey.

Starts from the shipped ``paper-exact``, changes one group of settings to those of ``paper``, and compares with the
truth. The same stars are built for every row; stages before the first changed setting are taken from the first build.
The last row is all departures together. It prints one JSON line a row.
"""

import argparse
import dataclasses
import json
import shutil
import time
from pathlib import Path
from unittest import mock

from pipeline.config import load_config
from pipeline.stages import runner
from pipeline.stages.validation import validate
from pipeline.stages.work_files import work_folder

LABELS = ("teff", "logg", "m_h", "alpha_m")
EVERYTHING = ("rv", *LABELS, "distance")
DEPARTURES = {
    "paper-exact": ({}, EVERYTHING),
    "ages by chemistry": ({"distance": ("ages",)}, ("distance",)),
    "colour from the spectrum": ({"distance": ("spectral_colour",)}, ("distance",)),
    "parallaxes of Gaia": ({"distance": ("parallax",)}, ("distance",)),
    "templates from the data": ({"velocity": ("templates",)}, ("rv",)),
    "zero points by spectrograph": ({"velocity": ("apply_zero_points", "zero_point_group")}, ("rv",)),
    "grid of 6, 5 folds": ({"labels": ("c_grid", "gamma_grid", "epsilon_grid", "folds")}, LABELS),
    "shared residual patterns": ({"labels": ("nuisance_modes",)}, LABELS),
    "training from S/N 20": ({"labels": ("min_snr",)}, LABELS),
    "calibrated errors": ({"labels": ("errors",)}, LABELS),
}
"""Groups of settings that our configuration has otherwise than the paper, and the quantities that they concern."""

ALL = "all of them"


def main(arguments):
    """Build, validate and print each departure."""
    parser = argparse.ArgumentParser(prog="paper_departures")
    parser.add_argument("folder", type=Path, help="where the builds go")
    parser.add_argument("--stars", type=int, default=1000)
    parser.add_argument("--training", type=int, default=400)
    parser.add_argument("--seed", type=int, default=20230419)
    options = parser.parse_args(arguments)
    exact, ours = load_config("paper-exact"), load_config("paper")
    everything = merged(changed for changed, _ in DEPARTURES.values())
    kept = options.folder / "stages"
    for number, (name, (changed, shown)) in enumerate({**DEPARTURES, ALL: (everything, EVERYTHING)}.items()):
        place = options.folder / f"row{number:02d}"
        if kept.is_dir():
            shutil.copytree(kept, work_folder(place), symlinks=True)
        began = time.process_time()
        with mock.patch.object(runner, "_clear_at_end", keep_as(kept) if not number else shutil.rmtree):
            # Nothing that is measured needs velocities' labels: a row that shows none leaves them out.
            without = () if set(shown) - {"rv"} else ("labels",)
            runner.build(reduced(departed(exact, ours, changed), options), place, quiet=True, without=without)
        row = {"row": name, "stars": options.stars, "training": options.training}
        row |= {"cpu_s": round(time.process_time() - began, 1)}
        print(json.dumps({"benchmark": "paper_departures", **row, **scored(place, shown)}), flush=True)


def keep_as(kept):
    """Keep the stages of a finished build in a folder."""
    return lambda work: work.rename(kept)


def merged(groups):
    """All groups of settings in one."""
    every = {}
    for group in groups:
        for section, names in group.items():
            every[section] = (*every.get(section, ()), *names)
    return every


def departed(exact, ours, changed):
    """The paper's settings with some of ours."""
    sections = {
        section: dataclasses.replace(
            getattr(exact, section), **{name: getattr(getattr(ours, section), name) for name in names}
        )
        for section, names in changed.items()
    }
    return dataclasses.replace(exact, **sections)


def reduced(config, options):
    """The same settings on fewer stars, without what no measured quantity needs."""
    survey = dataclasses.replace(config.input, n_stars=options.stars, n_training=options.training, seed=options.seed)
    kinematics = dataclasses.replace(config.kinematics, actions=False, membership=False, draws=10)
    return dataclasses.replace(config, name="paper departure", input=survey, kinematics=kinematics)


def scored(place, shown):
    """Scatter and bias, and the share of stars within one stated error."""
    quantities = validate(place)["quantities"]
    row = {}
    for name in shown:
        found = quantities[name]
        row[name] = {key: float(f"{found[key]:.3g}") for key in ("stars", "scatter", "bias", "within_1_sigma")}
    return row
