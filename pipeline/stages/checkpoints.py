"""Checkpoints: what a stopped build goes on from.

A checkpoint holds what its stage added or changed: columns, internal columns, facts, rejects, and the size and hash of
its files and inputs. It counts only while code, settings, inputs and files are the same; else the stage runs again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

import pipeline
from pipeline.config import RunConfig
from pipeline.products.manifest import file_sha256, software_versions
from pipeline.stages.declared import Stage
from pipeline.stages.inputs import files_below, read_records, write_records
from pipeline.stages.internal import BY_INTERNAL_NAME
from pipeline.stages.state import BuildState

_TABLE, _INTERNAL, _INPUTS, _DOCUMENT = "columns.parquet", "internal.parquet", "inputs.parquet", "checkpoint.json"


class Checkpoints:
    """The checkpoints of one build.

    Parameters
    ----------
    work : Path
        Work folder of the build.
    config : RunConfig
        Of the build.
    without : collection of str
        Stages that the build leaves out.
    """

    def __init__(self, work: Path, config: RunConfig, without: Collection[str] = ()) -> None:
        self._without = without
        self._work, self._folder = work, work / "checkpoints"
        self._settings = config.as_dict()
        self._fingerprint = _fingerprint_of_program(config)

    def next_stage(self, stage: Stage) -> None:
        """Go on to a stage: its fingerprint depends on the settings of all stages so far."""
        used = {section: self._settings[section] for section in stage.sections}
        used |= {"left out": stage.name in self._without}
        text = f"{self._fingerprint}|{stage.name}|{json.dumps(used, sort_keys=True)}"
        self._fingerprint = hashlib.sha256(text.encode()).hexdigest()

    def resume(self, state: BuildState, index: int, stage: Stage) -> dict[str, Any] | None:
        """Load a stage's checkpoint into the state; None when the stage has to run."""
        folder = self._of(index, stage)
        document = _read_document(folder / _DOCUMENT)
        if document is None or document["fingerprint"] != self._fingerprint:
            return None
        if {path.relative_to(self._work).as_posix() for path in self._files(folder, stage)} != set(document["files"]):
            return None
        if any(_identity(self._work / name) != tuple(found) for name, found in document["files"].items()):
            return None
        if not all(record.unchanged() for record in read_records(folder / _INPUTS)):
            return None
        state.begin()
        table = pd.read_parquet(folder / _TABLE)
        if document["replaced"]:
            state.table = table
        elif len(table.columns):
            state.give({str(name): values for name, values in table.items()})
        for name, values in pd.read_parquet(folder / _INTERNAL).items():
            state.keep(BY_INTERNAL_NAME[str(name)], values.to_numpy())
        state.facts = document["facts"]
        state.rejects += [tuple(row) for row in document["rejects"]]
        record: dict[str, Any] = document["record"]
        return record

    def save(self, state: BuildState, index: int, stage: Stage, record: dict[str, Any], old_rejects: int) -> None:
        """Write a checkpoint after a stage ran.

        Parameters
        ----------
        state : BuildState
            After the stage.
        index, stage
            Place and declaration of the stage.
        record : dict
            What the manifest says of the stage.
        old_rejects : int
            Number of rejects before the stage.
        """
        folder = self._of(index, stage)
        folder.mkdir(parents=True, exist_ok=True)
        names = [name for name in state.table.columns if state.replaced or str(name) in state.writes]
        table = state.table[names]
        texts = [str(name) for name in names if pd.api.types.is_string_dtype(table[name].dtype)]
        table.to_parquet(folder / _TABLE, index=False, compression=None, use_dictionary=texts or False)
        internal = {name: values for name, values in state.internal.items() if name in state.writes}
        pd.DataFrame(internal).to_parquet(folder / _INTERNAL, index=False)
        write_records(state.inputs, folder / _INPUTS)
        document = {
            "fingerprint": self._fingerprint,
            "replaced": state.replaced,
            "files": {path.relative_to(self._work).as_posix(): _identity(path) for path in self._files(folder, stage)},
            "facts": state.facts,
            "rejects": state.rejects[old_rejects:],
            "record": record,
        }
        _write_document(document, folder / _DOCUMENT)

    def drop_from(self, index: int) -> None:
        """Remove the checkpoints of a stage and all later ones: they are stale once it runs again."""
        for path in self._folder.glob("*"):
            if not path.is_dir():
                path.unlink()
            elif not path.name[:2].isdigit() or int(path.name[:2]) >= index:
                shutil.rmtree(path)

    def _files(self, folder: Path, stage: Stage) -> list[Path]:
        """Files of a stage that exist, and those of its checkpoint."""
        own = [path for name in stage.files if (path := self._work / name).exists()]
        files = [found for path in own for found in (files_below(path) if path.is_dir() else [path])]
        return files + [folder / name for name in (_TABLE, _INTERNAL, _INPUTS)]

    def _of(self, index: int, stage: Stage) -> Path:
        return self._folder / f"{index:02d}_{stage.name.replace(' ', '_')}"


def _fingerprint_of_program(config: RunConfig) -> str:
    """Hash of the pipeline's own code, the versions of its libraries, and the folders that paths refer to."""
    root = Path(pipeline.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.read_bytes())
    folders = [str(config.folder.absolute()), *(os.environ.get(name, "") for name in ("MGIANT_DATA", "MGIANT_HOME"))]
    digest.update(json.dumps([software_versions(), folders], sort_keys=True).encode())
    return digest.hexdigest()


def _identity(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file; (-1, "") when it cannot be read."""
    try:
        return path.stat().st_size, file_sha256(path)
    except OSError:
        return -1, ""


def _write_document(document: dict[str, Any], path: Path) -> None:
    """Write JSON after a line with its SHA-256, in one step."""
    text = json.dumps(document)
    draft = path.with_suffix(".tmp")
    draft.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}", encoding="utf-8")
    draft.replace(path)


def _read_document(path: Path) -> dict[str, Any] | None:
    """What :func:`_write_document` wrote; None when it is missing or damaged."""
    try:
        stated, _, text = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if hashlib.sha256(text).hexdigest().encode() != stated:
        return None
    document: dict[str, Any] = json.loads(text)
    return document
