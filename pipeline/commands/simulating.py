"""Command that simulates data: mock."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipeline.commands.terminal import Subcommands, advance, percent_bar
from pipeline.mock.archives import write_archives, write_long_allstar
from pipeline.mock.fits_layouts import LAYOUTS, Layout, write_lamost_fits
from pipeline.mock.survey import simulate
from pipeline.stages.large_mock import SIZES, simulate_catalogue

_DEMO_STARS = 3000


def add_commands(commands: Subcommands) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "mock",
        help="write simulated data: spectra, a survey in the archives' formats, or a catalogue of millions of stars",
    )
    command.add_argument("directory", type=Path, metavar="DIR", help="folder, or with --allstar the file")
    command.add_argument("--stars", type=int, help="observations to simulate (default: 100; with --as-archives 3000)")
    kind = command.add_mutually_exclusive_group()
    kind.add_argument("--size", choices=SIZES, help="write no spectra but a product directory of catalogue columns")
    kind.add_argument(
        "--as-archives",
        action="store_true",
        help="write spectra in plate folders with LAMOST, APOGEE, Gaia, 2MASS, AllWISE and distance tables, the truth, "
        "and the configuration of a build from them",
    )
    kind.add_argument(
        "--allstar", type=int, metavar="ROWS", help="write one allStar table with this number of rows (real: 733901)"
    )
    command.add_argument("--training", type=int, help="with --as-archives: training stars (default: a fifth)")
    command.add_argument("--seed", type=int, default=20230419, help="seed of the simulation")
    command.add_argument("--layout", choices=LAYOUTS, help="layout of spectra in one folder (default: dr9)")
    command.set_defaults(run=_mock, parser=command)


def _mock(options: argparse.Namespace) -> int:
    _refuse_ignored_options(options)
    if options.allstar is not None:
        return _mock_allstar(options)
    if options.directory.exists() and any(options.directory.iterdir()):
        raise FileExistsError(f"{options.directory} is not empty; choose another folder.")
    if options.size:
        with percent_bar() as bar:
            rows = simulate_catalogue(options.directory, SIZES[options.size], options.seed, advance(bar))
        sys.stdout.write(f"{rows:,} simulated rows in {options.directory}: python run_app.py {options.directory}\n")
        return 0
    if options.as_archives:
        return _mock_archives(options)
    stars = 100 if options.stars is None else options.stars
    layout: Layout = options.layout or "dr9"
    survey = simulate(stars, seed=options.seed, training=0)
    options.directory.mkdir(parents=True, exist_ok=True)
    write_lamost_fits(survey, options.directory, layout)
    sys.stdout.write(f"{stars} simulated spectra, layout {layout}, in {options.directory}\n")
    return 0


def _refuse_ignored_options(options: argparse.Namespace) -> None:
    """Refuse options that the chosen kind of simulation would ignore, as argparse does."""
    kind = "--size" if options.size else "--allstar" if options.allstar is not None else ""
    kind = "--as-archives" if options.as_archives else kind
    unused = {"stars": kind in ("--size", "--allstar"), "layout": bool(kind), "training": kind != "--as-archives"}
    for name, ignored in unused.items():
        if ignored and getattr(options, name) is not None:
            reason = f"not allowed with argument {kind}" if kind else "allowed with argument --as-archives only"
            options.parser.error(f"argument --{name}: {reason}")


def _mock_archives(options: argparse.Namespace) -> int:
    stars = _DEMO_STARS if options.stars is None else options.stars
    training = stars // 5 if options.training is None else options.training
    survey = simulate(stars, seed=options.seed, training=training)
    with percent_bar() as bar:
        written = write_archives(survey, options.directory, training, progress=advance(bar))
    sys.stdout.write(
        f"{stars:,} simulated observations in the archives' formats in {options.directory}: "
        f"python -m pipeline build {written.build}\n"
    )
    return 0


def _mock_allstar(options: argparse.Namespace) -> int:
    if options.allstar < 1:
        raise ValueError(f"--allstar takes a number of rows above 0; found {options.allstar}.")
    if options.directory.exists():
        raise FileExistsError(f"{options.directory} exists; choose another file.")
    options.directory.parent.mkdir(parents=True, exist_ok=True)
    with percent_bar() as bar:
        write_long_allstar(options.directory, options.allstar, options.seed, advance(bar))
    size = options.directory.stat().st_size / 1e9
    sys.stdout.write(f"{options.allstar:,} simulated rows ({size:.2f} GB) in {options.directory}\n")
    return 0
