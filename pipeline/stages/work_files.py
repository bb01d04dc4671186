"""Files of a build in its work folder, hashed at the end of their stage."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from pipeline.products.disk import remove, sync_file
from pipeline.products.manifest import ProductError, file_sha256
from pipeline.stages.declared import Stage
from pipeline.stages.inputs import files_below

WORK_SUFFIX = ".work"
DRAFT_DIR, RAW_DIR, CHECKPOINTS_DIR = "draft", "raw", "checkpoints"
_FOLDERS = (DRAFT_DIR, RAW_DIR, CHECKPOINTS_DIR)


class Recorded(NamedTuple):
    """Record of a file at the end of its stage."""

    size: int
    """Size in bytes; -1 if unreadable."""

    sha256: str


def recorded(path: Path) -> Recorded:
    """Size and hash of a file; (-1, "") for a link, a special file or an unreadable one."""
    unknown = Recorded(-1, "")
    try:
        return Recorded(path.stat().st_size, file_sha256(path)) if _is_plain(path) else unknown
    except OSError:
        return unknown


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def stage_files(work: Path, stage: Stage) -> list[Path]:
    """Existing files of a stage in a work folder, not following links."""
    own = [path for name in stage.files if (path := work / name).exists()]
    result = [path for item in own for path in (files_below(item) if item.is_dir() else [item])]
    return [path for path in result if not any((work / part).is_symlink() for part in _parts(path, work))]


def _parts(path: Path, work: Path) -> list[Path]:
    """The path and its folders, below the work folder."""
    below = path.relative_to(work)
    return [below, *below.parents][:-1]


def record_files(work: Path, stage: Stage) -> dict[str, Recorded]:
    """Flush and hash the files of a stage, by their paths below the work folder."""
    files = stage_files(work, stage)
    for path in files:
        sync_file(path)
    return {path.relative_to(work).as_posix(): recorded(path) for path in files}


def work_folder(place: Path) -> Path:
    """The work folder of a product, resolved if it is a link.

    Raises
    ------
    ProductError
        If something is there that no build made; it is never removed.
    """
    work = place.with_name(place.name + WORK_SUFFIX)
    named, work = work, (work.resolve() if work.is_symlink() else work)
    if work.exists() and not work.is_dir():
        raise ProductError(
            f"{named} is a file, and a build keeps its state in a folder of that name. Move it away or choose another "
            "--output."
        )
    if work.is_dir() and any(work.iterdir()) and not any((work / name).exists() for name in _FOLDERS):
        raise ProductError(
            f"{named} holds files that no build made, and a build keeps its state in a folder of that name. Move it "
            "away or choose another --output."
        )
    return work


def clear(work: Path) -> None:
    """Remove the files of a build in its work folder, and the folder if it is empty then."""
    for name in _FOLDERS:
        remove(work / name)
    if work.is_dir() and not any(work.iterdir()):
        work.rmdir()


def keep_only(work: Path, names: Collection[str]) -> None:
    """Remove all files of the draft and the raw spectra except those of finished stages.

    A kept file that has a second name, in a version that was published, becomes a file of its own: a stage that runs
    now may write into it.

    Parameters
    ----------
    work : Path
        Work folder.
    names : collection of str
        Files to keep, by their paths below it.
    """
    kept = {work / name for name in names}
    needed = {folder for path in kept for folder in path.parents}
    for top in (work / DRAFT_DIR, work / RAW_DIR):
        if top not in needed or top.is_symlink():
            remove(top)
            continue
        for path in sorted(top.rglob("*"), reverse=True):
            if path not in kept and (path not in needed or path.is_symlink()):
                remove(path)
    for path in kept:
        if path.stat().st_nlink > 1:
            copy = path.with_name(f"{path.name}.copy")
            shutil.copyfile(path, copy)
            copy.replace(path)
