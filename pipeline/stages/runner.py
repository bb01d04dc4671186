"""Runs the stages in order, with checkpoints, progress with time left, and a summary."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

import pipeline
from pipeline.config import RunConfig
from pipeline.domain.columns import BY_NAME
from pipeline.products.manifest import Manifest, ProductError, checksums
from pipeline.stages.distances import measure_distances
from pipeline.stages.flagging import raise_flags
from pipeline.stages.labels import infer_labels
from pipeline.stages.publishing import write_catalogue
from pipeline.stages.reading import read
from pipeline.stages.selecting import select_giants
from pipeline.stages.spatial import (
    map_disc,
    measure_actions,
    measure_quantiles,
    place_in_phase_space,
    place_in_stream,
)
from pipeline.stages.spectral import (
    measure_indices,
    measure_snr,
    normalise_spectra,
)
from pipeline.stages.state import BuildState, Stage, StageSkipped
from pipeline.stages.velocities import measure_velocities

STAGES: tuple[Stage, ...] = (
    Stage("read", read, 20, ("input",)),
    Stage("snr", measure_snr, 1, ("spectra",)),
    Stage("rv", measure_velocities, 8, ("spectra", "velocity", "labels")),
    Stage("indices", measure_indices, 2, ()),
    Stage("normalise", normalise_spectra, 6, ("spectra",)),
    Stage("labels", infer_labels, 60, ("labels",)),
    Stage("distance", measure_distances, 10, ("distance",)),
    Stage("phase space", place_in_phase_space, 1, ("kinematics",)),
    Stage("actions", measure_actions, 4, ("kinematics",)),
    Stage("quantiles", measure_quantiles, 12, ("kinematics",)),
    Stage("stream", place_in_stream, 6, ("kinematics",)),
    Stage("maps", map_disc, 3, ("kinematics",)),
    Stage("selection", select_giants, 1, ("selection",)),
    Stage("flags", raise_flags, 6, ()),
    Stage("catalogue", write_catalogue, 2, ()),
)
"""The stages in order; ``weight`` is the share of time that each takes in the embedded build."""


SHOW_EVERY_SECONDS = 0.25


class ProgressReport:
    """Progress on the terminal and, for another process, as lines of JSON in a file.

    Parameters
    ----------
    file : Path or None
        Where the lines go.
    quiet : bool
        Whether to leave the terminal alone.
    """

    def __init__(self, file: Path | None, *, quiet: bool = False) -> None:
        self._file = file
        self._started = time.monotonic()
        self._told = 0.0
        self._done_weight = 0.0
        self._total = float(sum(stage.weight for stage in STAGES))
        self._bar = tqdm(total=100.0, disable=quiet, bar_format="{l_bar}{bar}| {elapsed}<{remaining}{postfix}")
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("", encoding="utf-8")

    def stage(self, index: int) -> Callable[[float, str], None]:
        """The progress callback of one stage."""
        stage = STAGES[index]

        def tell(fraction: float, message: str) -> None:
            now = time.monotonic()
            if 0.0 < fraction < 1.0 and now - self._told < SHOW_EVERY_SECONDS:
                return
            self._told = now
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
                }
            )

        return tell

    def finish_stage(self, index: int) -> None:
        """Count a stage as done."""
        self._done_weight += STAGES[index].weight

    def close(self) -> None:
        """Leave the terminal clean."""
        self._bar.close()

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(line, ensure_ascii=False) + "\n")


def build(
    config: RunConfig, output: Path, *, progress_file: Path | None = None, fresh: bool = False, quiet: bool = False
) -> Manifest:
    """Build a product directory.

    Parameters
    ----------
    config : RunConfig
        What to build.
    output : Path
        Product directory; an earlier one is replaced only when the new one is complete.
    progress_file : Path or None
        Where progress goes as lines of JSON.
    fresh : bool
        Whether to ignore checkpoints.
    quiet : bool
        Whether to show no progress bar.

    Returns
    -------
    Manifest
        Of what was built.

    Raises
    ------
    ProductError
        If ``output`` exists and is no product directory.
    """
    _refuse_foreign(output)
    work = output.with_name(output.name + ".work")
    if fresh and work.exists():
        shutil.rmtree(work)
    state = BuildState(config, work, work / "draft")
    state.draft.mkdir(parents=True, exist_ok=True)
    report = ProgressReport(progress_file, quiet=quiet)
    fingerprint = _code_fingerprint()
    done: list[dict[str, Any]] = []
    try:
        for index, stage in enumerate(STAGES):
            fingerprint = _chain(fingerprint, stage, config)
            checkpoint = work / "checkpoints" / f"{index:02d}_{stage.name.replace(' ', '_')}"
            tell = report.stage(index)
            record = _resume(state, checkpoint, fingerprint)
            if record is None:
                _drop_later(work, index)
                record = _run(state, stage, tell)
                _save(state, checkpoint, fingerprint, record)
            tell(1.0, record["status"])
            report.finish_stage(index)
            done.append(record)
        manifest = _publish(state, output, done)
    finally:
        report.close()
    shutil.rmtree(work)
    return manifest


def _run(state: BuildState, stage: Stage, progress: Callable[[float, str], None]) -> dict[str, Any]:
    rows_in, started = len(state.table), time.monotonic()
    progress(0.0, "started")
    try:
        rows_out, status, reason = stage.run(state, progress), "done", ""
        state.table = state.table.copy()  # one block a type again, after columns were added one by one
    except StageSkipped as skipped:
        rows_out, status, reason = 0, "skipped", str(skipped)
    return {
        "name": stage.name,
        "status": status,
        "reason": reason,
        "rows_in": rows_in,
        "rows_out": rows_out,
        "seconds": round(time.monotonic() - started, 2),
    }


def _code_fingerprint() -> str:
    """Hash of the pipeline's own code: a checkpoint of other code is stale."""
    root = Path(pipeline.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _chain(previous: str, stage: Stage, config: RunConfig) -> str:
    plain = config.as_dict()
    used = {section: plain[section] for section in stage.sections}
    return hashlib.sha256(f"{previous}|{stage.name}|{json.dumps(used, sort_keys=True)}".encode()).hexdigest()


def _resume(state: BuildState, checkpoint: Path, fingerprint: str) -> dict[str, Any] | None:
    """Load a checkpoint if it fits; None when the stage has to run."""
    try:
        saved = json.loads((checkpoint / "checkpoint.json").read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    if saved["fingerprint"] != fingerprint:
        return None
    state.table = pd.read_parquet(checkpoint / "table.parquet")
    state.facts = saved["facts"]
    state.rejects = [tuple(row) for row in saved["rejects"]]
    record: dict[str, Any] = saved["record"]
    return record


def _save(state: BuildState, checkpoint: Path, fingerprint: str, record: dict[str, Any]) -> None:
    checkpoint.mkdir(parents=True, exist_ok=True)
    state.table.to_parquet(checkpoint / "table.parquet", index=False)
    document = {"fingerprint": fingerprint, "facts": state.facts, "rejects": state.rejects, "record": record}
    draft = checkpoint / "checkpoint.tmp"
    draft.write_text(json.dumps(document), encoding="utf-8")
    draft.replace(checkpoint / "checkpoint.json")


def _drop_later(work: Path, index: int) -> None:
    """Checkpoints from this stage on are stale once it runs again."""
    for path in (work / "checkpoints").glob("*"):
        if int(path.name[:2]) >= index:
            shutil.rmtree(path)


def _refuse_foreign(output: Path) -> None:
    """Never replace a directory that is not a product directory."""
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        try:
            Manifest.read(output)
        except ProductError as error:
            raise ProductError(f"{output} exists and is no product directory; choose another --output.") from error


def _publish(state: BuildState, output: Path, stages: list[dict[str, Any]]) -> Manifest:
    manifest = Manifest(
        name=state.config.name,
        simulated=state.facts["simulated"],
        simulated_note=state.facts["simulated_note"],
        configuration=state.config.as_dict(),
        inputs=state.facts["inputs"],
        choices=state.facts["choices"],
        stages=tuple(stages),
        files=checksums(state.draft),
    )
    manifest.write(state.draft)
    old = output.with_name(output.name + ".old")
    if old.exists():
        shutil.rmtree(old)
    if output.exists():
        output.replace(old)
    output.parent.mkdir(parents=True, exist_ok=True)
    state.draft.replace(output)
    if old.exists():
        shutil.rmtree(old)
    return manifest


def summary(manifest: Manifest, report: dict[str, Any]) -> str:
    """The build in a few lines: stages with rows in and out, and what was measured against what is known."""
    lines = [f"{manifest.name}: {'SIMULATED. ' + manifest.simulated_note if manifest.simulated else 'real data'}", ""]
    lines.append(f"{'stage':<14}{'rows in':>9}{'rows out':>9}{'seconds':>9}  ")
    for stage in manifest.stages:
        note = f"skipped: {stage['reason']}" if stage["status"] == "skipped" else ""
        lines.append(f"{stage['name']:<14}{stage['rows_in']:>9}{stage['rows_out']:>9}{stage['seconds']:>9.1f}  {note}")
    for name, samples in report.get("labels", {}).items():
        unit = BY_NAME[name].unit
        for sample, values in samples.items():
            lines.append(
                f"{name} [{unit}], {sample}: {values['stars']} stars, bias {values['bias']:+.3g}, "
                f"scatter {values['scatter']:.3g}, 68 % interval covers {100 * values['coverage_68']:.0f} %"
            )
    for name, lines_told in report.get("training_quality", {}).get("telling", {}).items():
        told = ", ".join(f"{line['angstrom']:.0f} Å ({100 * line['share']:.0f} %)" for line in lines_told[:5])
        lines.append(f"{name} is told most around {told}")
    lines += [
        f"selection by {step['step']}: {step['in']} -> {step['out']} stars, {step['untested']} of them untested"
        for step in report.get("selection", [])
    ]
    if "dust" in report:
        outside, beyond = report["dust"]["outside_the_map"], report["dust"]["beyond_its_reach"]
        lines.append(f"dust map: {manifest.choices['dust map']}; {outside} stars outside it, {beyond} beyond its reach")
    for key, values in report.items():
        if isinstance(values, dict) and "robust_scatter" in values:
            lines.append(
                f"{key}: {values['stars']} stars, median {values['median']:+.3g}, "
                f"scatter {values['robust_scatter']:.3g}"
            )
    return "\n".join(lines)
