"""Command that holds a product beside the paper: reproduce."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipeline.commands.terminal import Subcommands, advance, percent_bar
from pipeline.reproduction.declared import chosen
from pipeline.reproduction.report import measured_report, opened_survey, reproduce
from pipeline.reproduction.table import report_table


def add_commands(commands: Subcommands) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "reproduce", help="measure every number of the paper and draw its figures: a table, JSON, PDF, PNG and SVG"
    )
    command.add_argument("directory", type=Path, help="product directory, simulated or real")
    command.add_argument("--output", type=Path, help="folder of the report (default: DIRECTORY.reproduction)")
    command.add_argument(
        "--catalogue", type=Path, metavar="TABLE", help="another catalogue with labels of the same stars (Figure 6)"
    )
    command.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="OURS=THEIRS",
        help="a column of the other catalogue (default: the labels that are recognised); repeatable",
    )
    command.add_argument(
        "--only", action="append", default=[], metavar="KEY", help="measure one statement and write nothing; repeatable"
    )
    command.add_argument(
        "--no-publish", action="store_true", help="leave the product as it is: the explorer does not show the report"
    )
    command.set_defaults(run=_reproduce, parser=command)


def _reproduce(options: argparse.Namespace) -> int:
    columns = dict(pair.partition("=")[::2] for pair in options.column)
    if not all(columns.values()):
        raise ValueError(f"--column {' '.join(options.column)}: write OURS=THEIRS, for example teff=T_eff.")
    if len(columns) < len(options.column):
        raise ValueError(f"--column {' '.join(options.column)}: a column of ours has two of theirs. Name one.")
    if columns and options.catalogue is None:
        options.parser.error("argument --column: allowed with argument --catalogue only")
    if options.only:
        return _measure(options, columns)
    output = options.output or options.directory.with_name(f"{options.directory.name}.reproduction")
    with percent_bar() as bar:
        report = reproduce(
            options.directory,
            output,
            catalogue=options.catalogue,
            columns=columns,
            publish=not options.no_publish,
            progress=advance(bar),
        )
    shown = "" if options.no_publish else f", and in the explorer: python run_app.py {options.directory}"
    sys.stdout.write(f"{report_table(report)}\n\nTable, PDF and figures in {output}{shown}\n")
    return 0


def _measure(options: argparse.Namespace, columns: dict[str, str]) -> int:
    """Measure some statements and print them."""
    if options.output is not None or options.no_publish:
        name = "--output" if options.output is not None else "--no-publish"
        options.parser.error(f"argument {name}: not allowed with argument --only")
    statements = chosen(options.only)
    survey = opened_survey(options.directory, options.catalogue, columns)
    report, _ = measured_report(survey, options.directory, statements)
    sys.stdout.write(f"{report_table(report)}\n")
    return 0
