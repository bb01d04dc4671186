"""Draft of the product from the files of the stages, checked against their checksums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.products.disk import link_or_copy
from pipeline.products.identity import carries_identity, read_identity, write_with_identity
from pipeline.products.manifest import Identity, Manifest, ProductError, file_sha256
from pipeline.stages.state import BuildState
from pipeline.stages.work_files import DRAFT_DIR, Recorded, recorded


class DraftDamagedError(ProductError):
    """A file of the draft differs from the output of its stage."""


def compose(
    state: BuildState, draft: Path, stages: Sequence[Mapping[str, Any]], files: Mapping[str, Recorded]
) -> Manifest:
    """Write a product from the files of the stages, which are not moved.

    Parameters
    ----------
    state : BuildState
        After all stages.
    draft : Path
        Empty folder of the product.
    stages : sequence of mapping
        Records of the stages for the manifest.
    files : mapping of str to Recorded
        What the stages left, by paths below the work folder. No other file is published.

    Returns
    -------
    Manifest
        Written into the draft.

    Raises
    ------
    DraftDamagedError
        If a file is not as its stage left it; nothing is to be published then.
    """
    identity, sums = state.identity(), {}
    for name, stated in sorted(files.items()):
        source = state.work / name
        if not source.is_relative_to(state.draft):
            continue
        published = source.relative_to(state.work / DRAFT_DIR).as_posix()
        target = draft / published
        target.parent.mkdir(parents=True, exist_ok=True)
        sums[published] = _place(source, target, stated, identity)
    manifest = Manifest(
        name=state.config.name,
        simulated=state.facts["simulated"],
        simulated_note=state.facts["simulated_note"],
        configuration=state.config.as_dict(),
        inputs=state.facts["inputs"],
        choices=state.facts["choices"],
        stages=tuple(stages),
        files=sums,
        tables=tuple(state.facts.get("tables", [])),
        archives=tuple(state.facts.get("archives", [])),
        build=identity.build,
        rows=identity.rows,
    )
    manifest.write(draft)
    return manifest


def _place(source: Path, target: Path, stated: Recorded, identity: Identity) -> str:
    """Link a file, or write it with the identity if its format can hold one; return its checksum."""
    _check(source, source, stated)
    if carries_identity(source) and read_identity(source) != identity:
        write_with_identity(source, target, identity)
        return file_sha256(target)
    link_or_copy(source, target)
    if not target.samefile(source):
        _check(target, source, stated)
    return stated.sha256


def _check(path: Path, source: Path, stated: Recorded) -> None:
    if recorded(path) != stated:
        raise DraftDamagedError(
            f"{source} is not as its stage left it: the disk or another program changed it. Nothing is published. "
            "Give the same command again, or with --fresh to build from the start."
        )
