"""Runner of the stages, with checkpoints, progress with remaining time, and a summary."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pipeline.config import RunConfig
from pipeline.domain.checks import checks_of
from pipeline.domain.columns import BY_NAME
from pipeline.products.manifest import Manifest
from pipeline.products.versions import fresh_draft, locked, publish, refuse_foreign
from pipeline.sources.tables.star_columns import StarColumns
from pipeline.stages.checkpoints import Checkpoints
from pipeline.stages.composing import DraftDamagedError, compose
from pipeline.stages.declared import Stage
from pipeline.stages.inputs import files_below
from pipeline.stages.internal import BY_INTERNAL_NAME
from pipeline.stages.order import STAGES
from pipeline.stages.space import require_space
from pipeline.stages.state import BuildState, Progress, StageSkipped
from pipeline.stages.work_files import DRAFT_DIR, Recorded, clear, keep_only, record_files, work_folder

SHOW_EVERY_SECONDS = 0.25


class ProgressReport:
    """Progress on the terminal and, for another process, as lines of JSON in a file.

    Parameters
    ----------
    file : Path or None
        Where the lines go.
    quiet : bool
        Whether to leave the terminal alone.
    phase : str
        Of several builds that follow each other, told in every line; "" for a build alone.
    """

    def __init__(self, file: Path | None, *, quiet: bool = False, phase: str = "") -> None:
        self._file, self._phase = file, phase
        self._started = time.monotonic()
        self._shown_s = 0.0
        self._done_weight = 0.0
        self._total = float(sum(stage.weight for stage in STAGES))
        self._bar = tqdm(total=100.0, disable=quiet, bar_format="{l_bar}{bar}| {elapsed}<{remaining}{postfix}")
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("", encoding="utf-8")

    def begin(self) -> None:
        """Start timing."""
        self._done_weight = 0.0

    def stage(self, index: int) -> Progress:
        """The progress callback of one stage."""
        stage = STAGES[index]

        def show_progress(fraction: float, message: str) -> None:
            now = time.monotonic()
            if 0.0 < fraction < 1.0 and now - self._shown_s < SHOW_EVERY_SECONDS:
                return
            self._shown_s = now
            overall = (self._done_weight + stage.weight * min(max(fraction, 0.0), 1.0)) / self._total
            elapsed = now - self._started
            left = elapsed * (1.0 - overall) / overall if overall > 0.02 else None
            self._bar.n = round(100.0 * overall, 1)
            self._bar.set_postfix_str(f"{stage.name}: {message}")
            self._write(
                {
                    "stage": stage.name,
                    "index": index,
                    "count": len(STAGES),
                    "fraction": round(overall, 4),
                    "seconds_left": None if left is None else round(left, 1),
                    "message": message,
                    **({"phase": self._phase} if self._phase else {}),
                }
            )

        return show_progress

    def finish_stage(self, index: int) -> None:
        """Record the end of a stage."""
        self._done_weight += STAGES[index].weight

    def close(self) -> None:
        """Clear the progress line of the terminal."""
        self._bar.close()

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(line, ensure_ascii=False) + "\n")


def measured_columns(config: RunConfig) -> frozenset[str]:
    """Columns that the stages after reading may give."""
    return frozenset(name for stage in STAGES[1:] for item in stage.gives for name in item.columns(config))


def build(
    config: RunConfig,
    output: Path,
    *,
    progress_file: Path | None = None,
    fresh: bool = False,
    quiet: bool = False,
    without: Collection[str] = (),
    checkpoints: bool = True,
    phase: str = "",
    tables: Mapping[str, StarColumns] | None = None,
) -> Manifest:
    """Build a product directory.

    Parameters
    ----------
    config : RunConfig
        What to build.
    output : Path
        Product path, a link to its current version (:mod:`pipeline.products.versions`); an earlier product is replaced
        in one step, when the new one is complete.
    progress_file : Path or None
        Where progress goes as lines of JSON.
    fresh : bool
        Whether to ignore checkpoints.
    quiet : bool
        Whether to show no progress bar.
    without : collection of str
        Stages that are left out, by name.
    checkpoints : bool
        Whether to keep what a stopped build goes on from, and to go on from it; without them nothing is written twice.
    phase : str
        Name of the build in its lines of progress, where several follow each other.
    tables : mapping of str to StarColumns, optional
        Tables that were read before, by their name in the configuration.

    Returns
    -------
    Manifest
        Of what was built.

    Raises
    ------
    ProductError
        If ``output`` exists and is no product directory, or another process writes it.
    """
    with locked(output) as (place, lock):
        refuse_foreign(place)
        work = work_folder(place)
        require_space(config, work)
        if fresh or not checkpoints:
            clear(work)
        report = ProgressReport(progress_file, quiet=quiet, phase=phase)

        def composed(draft: Path) -> Manifest:
            state = BuildState(config, work, work / DRAFT_DIR)
            state.measured, state.tables, state.left_out = measured_columns(config), dict(tables or {}), tuple(without)
            kept = Checkpoints(work, config, without) if checkpoints else None
            done, files = _run_stages(state, kept, report)
            _warn_of_undeclared_files(state)
            return compose(state, draft, done, files)

        try:
            try:
                manifest = composed(draft := fresh_draft(place))
            except DraftDamagedError as error:
                warnings.warn(f"{error} The stage runs again now.", DraftDamagedWarning, stacklevel=2)
                manifest = composed(draft := fresh_draft(place))
            publish(place, draft, lock)
        finally:
            report.close()
        _clear_at_end(work)
    return manifest


class DraftDamagedWarning(UserWarning):
    """A file changed between the end of its stage and publishing."""


def _clear_at_end(work: Path) -> None:
    try:
        clear(work)
    except OSError as error:
        warnings.warn(f"{work} cannot be removed ({error}); the products are complete. Remove it.", stacklevel=3)


def _run_stages(
    state: BuildState, kept: Checkpoints | None, report: ProgressReport
) -> tuple[list[dict[str, Any]], dict[str, Recorded]]:
    """Restore the first stages from checkpoints and run the others; return all records and files."""
    done: list[dict[str, Any]] = []
    files: dict[str, Recorded] = {}
    resuming = True
    report.begin()
    for index, stage in enumerate(STAGES):
        show_progress = report.stage(index)
        if kept is not None:
            kept.next_stage(stage)
        resumed = kept.resume(state, index, stage) if kept is not None and resuming else None
        if resumed is not None:
            record, own = resumed
        else:
            if resuming:
                resuming = False
                _forget_from(state, index, kept, files)
            record, own = _run_and_keep(state, index, stage, kept, show_progress)
        files |= own
        show_progress(1.0, record["status"])
        report.finish_stage(index)
        done.append(record)
    return done, files


def _forget_from(state: BuildState, index: int, kept: Checkpoints | None, files: Collection[str]) -> None:
    """Remove all output of an earlier run except that of the verified stages before ``index``."""
    if kept is not None:
        kept.drop_from(index)
    if index == 0:
        clear(state.work)
    else:
        keep_only(state.work, files)


def _run_and_keep(
    state: BuildState, index: int, stage: Stage, kept: Checkpoints | None, show_progress: Progress
) -> tuple[dict[str, Any], dict[str, Recorded]]:
    """Run a stage, hash its files, and write a checkpoint."""
    state.draft.mkdir(parents=True, exist_ok=True)
    old_rejects = len(state.rejects)
    record = _run(state, stage, show_progress, left_out=stage.name in state.left_out)
    files = record_files(state.work, stage)
    if kept is not None:
        kept.save(state, index, stage, record, old_rejects, files)
    return record, files


def _run(state: BuildState, stage: Stage, progress: Progress, *, left_out: bool = False) -> dict[str, Any]:
    """Run a stage if its needs are met, and keep only the output of this run."""
    rows_in, started = len(state), time.monotonic()
    progress(0.0, "started")
    for item in stage.gives:
        item.reset(state.work)
    state.begin()
    rows_out, reason = 0, "left out of this build" if left_out else stage.missing(state)
    if not reason:
        try:
            rows_out = stage.run(state, progress)
        except StageSkipped as skipped:
            reason = str(skipped)
    _warn_of_undeclared(state, stage)
    status = "skipped" if reason else "done"
    return {
        "name": stage.name,
        "status": status,
        "reason": reason,
        "rows_in": rows_in,
        "rows_out": rows_out,
        "seconds": round(time.monotonic() - started, 2),
    }


class UndeclaredAccess(UserWarning):
    """A stage read or wrote an undeclared column, so that checkpoint or order may be wrong."""


def _warn_of_undeclared(state: BuildState, stage: Stage) -> None:
    taken = state.reads - stage.may_read(state.config) - {"obsid"}
    given = state.writes - stage.may_write(state.config)
    for what, names in (("took", taken), ("gave", given)):
        if undeclared := sorted(names & {*BY_NAME, *BY_INTERNAL_NAME}):
            warnings.warn(
                f"Stage {stage.name!r} {what} {', '.join(undeclared)}, which it does not declare.",
                UndeclaredAccess,
                stacklevel=2,
            )


def _warn_of_undeclared_files(state: BuildState) -> None:
    owned = [Path(name) for stage in STAGES for name in stage.files]
    files = [path.relative_to(state.work) for path in files_below(state.draft)]
    strange = [path.as_posix() for path in files if not any(path == item or item in path.parents for item in owned)]
    if strange:
        text = ", ".join(strange)
        warnings.warn(f"Stage unknown: one wrote {text}, which it does not declare.", UndeclaredAccess, stacklevel=2)


def summary(manifest: Manifest, report: dict[str, Any]) -> str:
    """Summarize the build in a few lines: rows of each stage, and measured against reference values."""
    lines = [f"{manifest.name}: {'SIMULATED. ' + manifest.simulated_note if manifest.simulated else 'real data'}", ""]
    lines.append(f"{'stage':<14}{'rows in':>9}{'rows out':>9}{'seconds':>9}  ")
    for stage in manifest.stages:
        note = f"skipped: {stage['reason']}" if stage["status"] == "skipped" else ""
        lines.append(f"{stage['name']:<14}{stage['rows_in']:>9}{stage['rows_out']:>9}{stage['seconds']:>9.1f}  {note}")
    lines += [
        f"training cut: {item['cut']}: {item['in']} -> {item['out']} stars" for item in report.get("training_cuts", [])
    ]
    for name, samples in report.get("labels", {}).items():
        unit = BY_NAME[name].unit
        for sample, values in samples.items():
            lines.append(
                f"{name} [{unit}], {sample}: {values['stars']} stars, bias {values['bias']:+.3g}, "
                f"scatter {values['scatter']:.3g}, 68 % interval covers {100 * values['coverage_68']:.0f} %"
            )
    for name, informative in report.get("training_quality", {}).get("telling", {}).items():
        text = ", ".join(f"{line['angstrom']:.0f} Å ({100 * line['share']:.0f} %)" for line in informative[:5])
        lines.append(f"{name} is most sensitive to {text}")
    lines += [
        f"selection by {step['step']}: {step['in']} -> {step['out']} stars, {step['untested']} of them untested"
        for step in report.get("selection", [])
    ]
    for name, counts in report.get("cross_match", {}).items():
        lines.append(f"matched with {name}: " + ", ".join(f"{key} {value:,}" for key, value in counts.items()))
    if origins := report.get("distance_from"):
        text = ", ".join(f"{count} {name}" for name, count in origins.items())
        lines.append(f"distances: {text}")
    if "dust" in report:
        outside, beyond = report["dust"]["outside_the_map"], report["dust"]["beyond_its_reach"]
        lines.append(f"dust map: {manifest.choices['dust map']}; {outside} stars outside it, {beyond} beyond its reach")
    for key, values in report.items():
        if isinstance(values, dict) and "robust_scatter" in values:
            lines.append(
                f"{key}: {values['stars']} stars, median {values['median']:+.3g}, "
                f"scatter {values['robust_scatter']:.3g}"
            )
    lines += [f"physics: {item.line()}" for item in checks_of(report) or ()]
    return "\n".join(lines)
