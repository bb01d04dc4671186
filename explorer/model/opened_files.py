"""Files to open: their kind, and the key under which their products are cached."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.products.catalog_file import CATALOG_NAME
from pipeline.products.manifest import MANIFEST_NAME

HASHES_NAME = "hashes.json"
"""Cache of file hashes by path, size and time."""

KEY_DIGITS = 24
_BLOCK = 1 << 20
_MAX_HASHES = 1000


class OpenError(ValueError):
    """Files cannot be opened; the message names the file, the reason and the remedy."""


def files_to_open(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Tables or a folder of spectra to make products of; none for one product directory.

    Parameters
    ----------
    paths : sequence of Path
        Paths as given: files, folders, product directories, releases.

    Returns
    -------
    tuple of Path
        Absolute; a folder of spectra before the tables, a release as its table. Empty for a product directory.

    Raises
    ------
    OpenError
        If a path does not exist, a folder is empty, or these cannot be opened together.
    """
    result = [_opened(path) for path in paths]
    products = [path for path in result if path is None]
    if len(result) == 1 and products:
        return ()
    files = [path for path in result if path is not None]
    if products:
        item = next(path for path in paths if _opened(path) is None)
        raise OpenError(f"{item} is a product directory, which opens alone. Give it without the other paths.")
    folders = [path for path in files if path.is_dir()]
    if len(folders) > 1:
        raise OpenError(
            f"{folders[1]} is a second folder: one folder of spectra is opened at a time. "
            "Name several in [[input.source]] of a configuration and run `python -m pipeline build` on it."
        )
    return (*folders, *(path for path in files if path not in folders))


def _opened(path: Path) -> Path | None:
    """The files of a path; None for a product directory."""
    path = path.absolute()
    try:
        if not path.exists():
            raise OpenError(f"{path} does not exist. Check the spelling and the folder that you are in.")
        if not path.is_dir():
            return path
        manifest = path / MANIFEST_NAME
        if manifest.is_file():
            return path / CATALOG_NAME if _is_release(manifest) else None
        if not any(part.is_file() for part in path.rglob("*")):
            raise OpenError(
                f"{path} is an empty folder. Give a table of stars, a folder of FITS spectra, or a product directory, "
                f"which has a {MANIFEST_NAME}."
            )
    except OSError as error:
        raise OpenError(f"{path} cannot be read ({error}). Check its permissions.") from error
    return path


def _is_release(manifest: Path) -> bool:
    """Whether a manifest is that of a frozen release, whose catalogue is opened as a table."""
    try:
        content = json.loads(manifest.read_text("utf-8"))
    except ValueError:  # damaged: opening it as a product reports that
        return False
    there = (manifest.parent / CATALOG_NAME).is_file()
    return isinstance(content, dict) and "format_version" not in content and "release" in content and there


def content_key(files: Sequence[Path], hashes: Path) -> str:
    """Key of files by name and content: the first digits of a SHA-256.

    Parameters
    ----------
    files : sequence of Path
        In the order in which they are opened, which counts. Of a folder the names, sizes and times of its files count.
    hashes : Path
        File in which the hashes of large files are remembered.

    Returns
    -------
    str
        24 hexadecimal digits.

    Raises
    ------
    OpenError
        If a file cannot be read.
    """
    known = _known_hashes(hashes)
    before = dict(known)
    digest = hashlib.sha256()
    for path in files:
        try:
            content = _folder_hash(path) if path.is_dir() else _file_hash(path, known)
        except OSError as error:
            raise OpenError(f"{path} cannot be read ({error}). Check its permissions.") from error
        digest.update(json.dumps([path.name, content]).encode())
    if known != before:
        _remember(hashes, known)
    return digest.hexdigest()[:KEY_DIGITS]


def _file_hash(path: Path, known: dict[str, list[Any]]) -> str:
    stat = path.stat()
    stamp = [stat.st_size, stat.st_mtime_ns]
    kept = known.get(str(path))
    if kept is not None and kept[:2] == stamp:
        return str(kept[2])
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    known.pop(str(path), None)  # the newest last: the oldest are forgotten first
    known[str(path)] = [*stamp, digest.hexdigest()]
    return digest.hexdigest()


def _folder_hash(folder: Path) -> str:
    lines = []
    for path in folder.rglob("*"):
        if path.is_file():
            stat = path.stat()
            lines.append(f"{path.relative_to(folder).as_posix()}\0{stat.st_size}\0{stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(lines)).encode("utf-8", "surrogateescape")).hexdigest()


def _known_hashes(path: Path) -> dict[str, list[Any]]:
    """Cached hashes; none if the cache is damaged."""
    try:
        known = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): item for name, item in (known if isinstance(known, dict) else {}).items() if _is_hash(item)}


def _is_hash(item: Any) -> bool:
    return isinstance(item, list) and [type(part) for part in item] == [int, int, str]


def _remember(path: Path, known: dict[str, list[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    newest = dict(list(known.items())[-_MAX_HASHES:])
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    draft.write_text(json.dumps(newest, indent=0), encoding="utf-8")
    draft.replace(path)
