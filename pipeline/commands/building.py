"""Commands that build products and describe how: build, stages, settings, open, tables."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from pipeline.commands.terminal import Subcommands
from pipeline.config import ConfigError, load_config, settings_table, shipped_configurations
from pipeline.products.product import REPORT_NAME
from pipeline.stages.opening import check_tables, open_files
from pipeline.stages.order import described
from pipeline.stages.runner import build, summary


def add_commands(commands: Subcommands) -> None:
    """Add the commands to the command line."""
    command = commands.add_parser("build", help="build a product directory from a configuration")
    command.add_argument("config", help=f"a TOML file, or one of {', '.join(sorted(shipped_configurations()))}")
    command.add_argument("--output", type=Path, help="product directory (default: products/NAME)")
    command.add_argument("--progress-file", type=Path, help="also write progress there, as lines of JSON")
    command.add_argument("--fresh", action="store_true", help="ignore checkpoints of an earlier run")
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.set_defaults(run=_build)

    command = commands.add_parser("stages", help="list the stages of a build with their needs, results and settings")
    command.set_defaults(run=_stages)

    command = commands.add_parser("settings", help="list every setting with its default and its meaning")
    command.set_defaults(run=_settings)

    command = commands.add_parser("open", help="build products from any table of stars or a folder of spectra")
    command.add_argument("paths", nargs="+", type=Path, help="tables, the main one first; or a folder of FITS spectra")
    command.add_argument("--into", type=Path, required=True, help="folder of the configuration and the products")
    command.add_argument("--progress-file", type=Path, help="also write progress there, as lines of JSON")
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.set_defaults(run=_open)

    tables = commands.add_parser("tables", help="show the interpretation of tables").add_subparsers(
        required=True, metavar="WHAT"
    )
    command = tables.add_parser(
        "check", help="show the meaning of each column, and the stages that can run on the tables together"
    )
    command.add_argument("paths", nargs="+", type=Path, help="tables of any format, or a configuration (TOML)")
    command.add_argument("--spectra", action="store_true", help="as with LAMOST spectra, from which stages measure")
    command.add_argument("--json", action="store_true", help="the same as JSON")
    command.set_defaults(run=_check_tables)


def _build(options: argparse.Namespace) -> int:
    config = load_config(options.config)
    output = options.output or Path("products") / config.name
    manifest = build(config, output, progress_file=options.progress_file, fresh=options.fresh, quiet=options.quiet)
    report = json.loads((output / REPORT_NAME).read_text("utf-8"))
    sys.stdout.write(f"{summary(manifest, report)}\n\nWritten to {output}. Look at it: python run_app.py {output}\n")
    return 0


def _settings(_options: argparse.Namespace) -> int:
    sys.stdout.write(f"{settings_table()}\n")
    return 0


def _stages(_options: argparse.Namespace) -> int:
    sys.stdout.write(f"{described()}\n")
    return 0


def _open(options: argparse.Namespace) -> int:
    open_files(options.paths, options.into, options.progress_file, quiet=options.quiet)
    return 0


def _check_tables(options: argparse.Namespace) -> int:
    checked = check_tables(options.paths, spectra=options.spectra)
    sys.stdout.write(checked.json() if options.json else checked.text())
    if checked.understood.error:
        raise ConfigError(checked.understood.error)
    return 0
