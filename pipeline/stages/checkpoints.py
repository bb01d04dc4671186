"""Checkpoints from which an interrupted build continues.

A checkpoint holds what its stage added or changed: columns, internal columns, facts, rejects, and the size and hash of
its files and inputs. It counts only while code, settings, inputs and files are the same; else the stage runs again.
Everything is synchronised to the disk before the document that declares it complete.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.config import RunConfig
from pipeline.products.disk import remove, sync_file, sync_folder
from pipeline.products.marked_parquet import PARQUET_ERRORS
from pipeline.stages.declared import Stage
from pipeline.stages.inputs import read_records, write_records
from pipeline.stages.internal import BY_INTERNAL_NAME
from pipeline.stages.program import program_fingerprint
from pipeline.stages.state import BuildState
from pipeline.stages.work_files import Recorded, recorded, stage_files

_TABLE, _INTERNAL, _INPUTS, _DOCUMENT = "columns.parquet", "internal.parquet", "inputs.parquet", "checkpoint.json"
_PARTS = (_TABLE, _INTERNAL, _INPUTS)


class CheckpointWarning(UserWarning):
    """A checkpoint is unusable although its inputs have not changed; its stage is repeated."""


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
        self._fingerprint = _fingerprint_of_places(config)

    def next_stage(self, stage: Stage) -> None:
        """Advance to a stage, whose fingerprint depends on the settings of all stages so far."""
        used = {section: self._settings[section] for section in stage.sections}
        used |= {"left out": stage.name in self._without}
        text = f"{self._fingerprint}|{stage.name}|{json.dumps(used, sort_keys=True)}"
        self._fingerprint = hashlib.sha256(text.encode()).hexdigest()

    def resume(self, state: BuildState, index: int, stage: Stage) -> tuple[dict[str, Any], dict[str, Recorded]] | None:
        """Load a stage's checkpoint into the state.

        Returns
        -------
        tuple of dict, or None
            What the manifest says of the stage, and its files as :func:`~pipeline.stages.work_files.recorded` gives
            them; None when the stage has to run. A damaged checkpoint leaves the state as it was.
        """
        folder = self._of(index, stage)
        try:
            document = _read_document(folder / _DOCUMENT)
            if document is None or document["fingerprint"] != self._fingerprint:
                return None
            if not self._files_hold(folder, stage, document["files"]):
                return None
            if not all(item.unchanged() for item in read_records(folder / _INPUTS)):
                return None
            table, internal = (_read_table(folder / name) for name in (_TABLE, _INTERNAL))
            record, replaced, facts = dict(document["record"]), bool(document["replaced"]), dict(document["facts"])
            rejects = [tuple(row) for row in document["rejects"]]
            kept = {BY_INTERNAL_NAME[str(name)]: values.to_numpy() for name, values in internal.items()}
        except PARQUET_ERRORS as error:
            warnings.warn(
                f"The checkpoint {folder} cannot be used ({error}): stage {stage.name!r} runs again.",
                CheckpointWarning,
                stacklevel=2,
            )
            return None
        state.begin()
        if replaced:
            state.table = table
        elif len(table.columns):
            state.give({str(name): values for name, values in table.items()})
        for column, values in kept.items():
            state.keep(column, values)
        state.facts = facts
        state.rejects += rejects
        own = {name: Recorded(*result) for name, result in document["files"].items()}
        return record, {name: result for name, result in own.items() if not self._is_own(name)}

    def _files_hold(self, folder: Path, stage: Stage, stated: Mapping[str, Any]) -> bool:
        """Whether the stage's files are exactly those of its checkpoint; damage is reported."""
        names = {path.relative_to(self._work).as_posix() for path in self._files(folder, stage)}
        wrong = names ^ set(stated)
        wrong |= {name for name in names - wrong if recorded(self._work / name) != Recorded(*stated[name])}
        if wrong:
            warnings.warn(
                f"{self._work / min(wrong)} is not as stage {stage.name!r} left it: the stage runs again.",
                CheckpointWarning,
                stacklevel=3,
            )
        return not wrong

    def _is_own(self, name: str) -> bool:
        return name.startswith(f"{self._folder.name}/")

    def save(
        self,
        state: BuildState,
        index: int,
        stage: Stage,
        record: dict[str, Any],
        old_rejects: int,
        files: Mapping[str, Recorded],
    ) -> None:
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
        files : mapping
            Files that the stage left, from :func:`~pipeline.stages.work_files.record_files`.
        """
        folder = self._of(index, stage)
        folder.mkdir(parents=True, exist_ok=True)
        names = [name for name in state.table.columns if state.replaced or str(name) in state.writes]
        table = state.table[names]
        texts = [str(name) for name in names if pd.api.types.is_string_dtype(table[name].dtype)]
        table.to_parquet(
            folder / _TABLE, index=False, compression=None, use_dictionary=texts or False, write_page_checksum=True
        )
        internal = {name: values for name, values in state.internal.items() if name in state.writes}
        pd.DataFrame(internal).to_parquet(folder / _INTERNAL, index=False)
        write_records(state.inputs, folder / _INPUTS)
        own = {f"{self._folder.name}/{folder.name}/{name}": recorded(folder / name) for name in _PARTS}
        for name in _PARTS:
            sync_file(folder / name)
        document = {
            "fingerprint": self._fingerprint,
            "replaced": state.replaced,
            "files": {**files, **own},
            "facts": state.facts,
            "rejects": state.rejects[old_rejects:],
            "record": record,
        }
        _write_document(document, folder / _DOCUMENT)
        sync_folder(self._folder)

    def drop_from(self, index: int) -> None:
        """Remove the checkpoints of a stage and all later ones, and unknown files."""
        if self._folder.is_symlink() or not self._folder.is_dir():
            remove(self._folder)
            return
        for path in self._folder.iterdir():
            number = path.name[:2]
            if path.is_symlink() or not path.is_dir() or not number.isdecimal() or int(number) >= index:
                remove(path)

    def _files(self, folder: Path, stage: Stage) -> list[Path]:
        """Existing files of a stage, and those of its checkpoint."""
        return stage_files(self._work, stage) + [folder / name for name in _PARTS]

    def _of(self, index: int, stage: Stage) -> Path:
        return self._folder / f"{index:02d}_{stage.name.replace(' ', '_')}"


def _fingerprint_of_places(config: RunConfig) -> str:
    """Hash of the program and the folders that paths refer to."""
    folders = [str(config.folder.absolute()), *(os.environ.get(name, "") for name in ("MGIANT_DATA", "MGIANT_HOME"))]
    return hashlib.sha256(json.dumps([program_fingerprint(), folders]).encode()).hexdigest()


def _read_table(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path, page_checksum_verification=True)


def _write_document(document: dict[str, Any], path: Path) -> None:
    """Write JSON after a line with its SHA-256, in one step."""
    text = json.dumps(document)
    draft = path.with_suffix(".tmp")
    draft.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}", encoding="utf-8")
    sync_file(draft)
    draft.replace(path)
    sync_folder(path.parent)


def _read_document(path: Path) -> dict[str, Any] | None:
    """Read the output of :func:`_write_document`; None if it is missing or damaged."""
    try:
        stated, _, text = path.read_bytes().partition(b"\n") if path.is_file() else (b"", b"", b"")
    except OSError:
        return None
    if hashlib.sha256(text).hexdigest().encode() != stated:
        return None
    document: dict[str, Any] = json.loads(text)
    return document
