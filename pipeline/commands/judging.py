"""Commands on a product: verify, release, quantiles, validate, self-consistency, compare."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from pipeline.commands.terminal import Subcommands, advance, percent_bar
from pipeline.domain.columns import BY_NAME
from pipeline.products.comparison import Statistics
from pipeline.products.manifest import Manifest
from pipeline.products.product import VALIDATION_NAME, verify
from pipeline.products.release import freeze, merged_verdicts
from pipeline.stages.comparison import self_consistency
from pipeline.stages.quantile_selection import selected_quantiles
from pipeline.stages.table_comparison import compare_with_table
from pipeline.stages.validation import format_validation, validate


def add_commands(commands: Subcommands) -> None:
    """Add the commands to the command line."""
    command = commands.add_parser("verify", help="check a product directory against the contract and its checksums")
    command.add_argument("directory", type=Path)
    command.set_defaults(run=_verify)

    command = commands.add_parser("release", help="freeze a release: the catalogue with its verdicts, in every format")
    command.add_argument("directory", type=Path, help="product directory")
    command.add_argument("--name", required=True, help="name of the release, such as v1.0")
    command.add_argument(
        "--verdicts",
        action="append",
        type=Path,
        default=[],
        help="table that `python -m explorer export-verdicts` wrote; several are merged",
    )
    command.add_argument("--output", type=Path, help="folder (default: DIRECTORY.NAME)")
    command.add_argument("--previous", type=Path, help="release before this one, for the changelog")
    command.add_argument("--author", action="append", default=[], help='"Family, Given" for the citation; repeatable')
    command.add_argument(
        "--despite",
        default="",
        metavar="REASON",
        help="release a catalogue whose physics checks failed; the release records it",
    )
    command.set_defaults(run=_release)

    command = commands.add_parser("quantiles", help="draw quantiles of 6D, actions and orbits for some of the stars")
    command.add_argument("directory", type=Path, help="product directory")
    command.add_argument("--stars", type=Path, help="file with a column obsid, or with one id a line")
    command.add_argument("--where", default="", help='condition on columns, such as "distance > 10 and quality == 0"')
    command.add_argument("--draws", type=int, help="draws a star (default: the configuration's, or 100)")
    command.add_argument("--output", type=Path, help="CSV (default: DIRECTORY.quantiles.csv)")
    command.set_defaults(run=_quantiles)

    command = commands.add_parser(
        "validate", help="compare a simulated catalogue with its true values, and publish the comparison"
    )
    command.add_argument("directory", type=Path)
    command.set_defaults(run=_validate)

    command = commands.add_parser(
        "self-consistency", help="train on part of the training stars, evaluate the rest and fainter ones (Figure 5)"
    )
    command.add_argument("directory", type=Path, help="product directory with spectra and a label model")
    command.add_argument("--training", type=int, help="number of training stars (default: the paper's 2770 of 3670)")
    command.add_argument("--seed", type=int, default=2770, help="seed of the split")
    command.add_argument("--output", type=Path, help="folder for the figure (default: DIRECTORY.self-consistency)")
    command.set_defaults(run=_self_consistency)

    command = commands.add_parser("compare", help="compare the catalogue with another table (Figures 3, 6 and 7)")
    command.add_argument("directory", type=Path, help="product directory")
    command.add_argument("table", type=Path, help="FITS, VOTable, Parquet, ECSV, CSV or other text, CDS or IPAC")
    command.add_argument(
        "--column",
        action="append",
        required=True,
        metavar="OURS=THEIRS",
        help="a column of the catalogue and the table's column of the same quantity; may be given several times",
    )
    command.add_argument("--output", type=Path, help="folder for the figure (default: DIRECTORY.TABLE)")
    command.set_defaults(run=_compare)


def _verify(options: argparse.Namespace) -> int:
    breaches = verify(options.directory)
    for breach in breaches:
        sys.stdout.write(f"{breach}\n")
    verdict = f"{len(breaches)} breach(es)" if breaches else "all is well"
    sys.stdout.write(f"{options.directory}: {verdict}.\n")
    return 1 if breaches else 0


def _release(options: argparse.Namespace) -> int:
    simulated = Manifest.read(options.directory).simulated
    written = freeze(
        options.directory,
        merged_verdicts(options.verdicts, simulated=simulated),
        options.name,
        options.output or options.directory.with_name(f"{options.directory.name}.{options.name}"),
        previous=options.previous,
        authors=options.author,
        despite=options.despite,
    )
    counts = ", ".join(f"{status or 'not reviewed'} {count:,}" for status, count in sorted(written.counts.items()))
    sys.stdout.write(f"{written.stars:,} stars ({counts}) in {written.directory}\n")
    return 0


def _quantiles(options: argparse.Namespace) -> int:
    if options.stars is None and not options.where:
        raise ValueError("Choose stars with --stars FILE, --where CONDITION or both.")
    if options.draws is not None and options.draws < 1:
        raise ValueError(f"--draws takes a number above 0; found {options.draws}.")
    output = options.output or options.directory.with_name(f"{options.directory.name}.quantiles.csv")
    with percent_bar() as bar:
        chosen, drawn = selected_quantiles(
            options.directory,
            output,
            stars=options.stars,
            where=options.where,
            draws=options.draws,
            progress=advance(bar),
        )
    sys.stdout.write(f"{drawn:,} of {chosen:,} chosen stars have quantiles: {output}\n")
    return 0


def _validate(options: argparse.Namespace) -> int:
    sys.stdout.write(
        f"{format_validation(validate(options.directory))}\n\nWritten to {options.directory / VALIDATION_NAME}\n"
    )
    return 0


def _self_consistency(options: argparse.Namespace) -> int:
    output = options.output or options.directory.with_name(f"{options.directory.name}.self-consistency")
    with tqdm(total=100.0, bar_format="{l_bar}{bar}| {elapsed}<{remaining}") as bar:

        def show(fraction: float) -> None:
            bar.update(round(100.0 * fraction, 1) - bar.n)

        statistics = self_consistency(
            options.directory, output, training_stars=options.training, seed=options.seed, progress=show
        )
    return _write_comparison(statistics, "reference minus SLAM", output)


def _compare(options: argparse.Namespace) -> int:
    output = options.output or options.directory.with_name(f"{options.directory.name}.{options.table.stem}")
    columns = dict(pair.partition("=")[::2] for pair in options.column)
    if not all(columns.values()):
        raise ValueError(f"--column {' '.join(options.column)}: write OURS=THEIRS, for example teff=T_eff.")
    comparison = compare_with_table(options.directory, options.table, columns, output)
    for note in comparison.notes:
        sys.stdout.write(f"{note}.\n")
    return _write_comparison(comparison.statistics, f"{options.table.name} minus catalogue", output)


def _write_comparison(statistics: Statistics, what: str, output: Path) -> int:
    for name, samples in statistics.items():
        for sample, values in samples.items():
            numbers = ", ".join(f"{key} {value:+.4g}" for key, value in values.items() if key != "stars")
            unit = f" [{BY_NAME[name].unit}]" if name in BY_NAME else ""
            sys.stdout.write(f"{name}{unit}, {what}, {sample}: {values['stars']:.0f} stars, {numbers}\n")
    sys.stdout.write(f"Figure and numbers in {output}\n")
    return 0
