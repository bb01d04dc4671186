"""Product folders in versions: a product's path is a link that one atomic step turns to the new version.

``OUT`` is a relative link to a folder in ``OUT.versions``; ``OUT.lock`` is there while something writes. A version is
complete and synchronised to the disk before the link turns, and the version before it stays for readers that have it
open. A product that is a plain folder (of an older program, or a copy) is exchanged for the link in one step and kept
as the version before.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.products.disk import exchange, remove, sync_file, sync_folder
from pipeline.products.lock import OutputLock
from pipeline.products.manifest import MANIFEST_NAME, Manifest, ProductError

VERSIONS_SUFFIX = ".versions"
LOCK_SUFFIX = ".lock"

_DRAFT = "draft"
_NEXT = "next"
"""Name of the link before it gets its place; what a plain folder is exchanged with has the name that it keeps."""

_UNVERSIONED = "unversioned"
_MAX_LINKS = 40


def place_of(path: Path) -> Path:
    """Where a product is published: one path for every spelling of it, through a user's own links.

    Parameters
    ----------
    path : Path
        Product path as it was given.

    Returns
    -------
    Path
        Absolute, free of links but for the product's own.

    Raises
    ------
    ProductError
        If it is a version of a product or inside one, the working folder, no folder that can be renamed, or its links
        lead in a circle.
    """
    place = _without_links(path)
    if place.parent.name.endswith(VERSIONS_SUFFIX):
        owner = place.parent.name.removesuffix(VERSIONS_SUFFIX)
        raise ProductError(f"{path} is a version of a product: name {place.parent.with_name(owner)} itself.")
    refuse_inside_product(place)
    if not place.name or place == Path.cwd():
        which = "the working folder" if place.name else "the root of the file system"
        raise ProductError(f"{path} is {which}, which a product cannot replace. Name a new folder.")
    return place


def _without_links(path: Path) -> Path:
    place = path.absolute()
    try:
        for _ in range(_MAX_LINKS):
            place = place.resolve() if place.name in ("", "..") else place.parent.resolve() / place.name
            if not place.is_symlink() or _is_own_link(place):
                return place
            place = place.parent / place.readlink()
    except RuntimeError:  # pathlib's word for a circle
        pass
    raise ProductError(f"The links at {path} lead in a circle. Remove them or choose another output.")


def refuse_inside_product(path: Path) -> None:
    """Refuse to write below a product, whose files its manifest lists: with others it no longer verifies.

    Raises
    ------
    ProductError
        If a folder above ``path`` is a product.
    """
    for folder in path.resolve().parents:
        if (folder / MANIFEST_NAME).is_file() and _is_product(folder):
            raise ProductError(f"{path} is inside the product {folder}, which it would damage. Choose another output.")


def _is_product(folder: Path) -> bool:
    try:
        Manifest.read(folder)
    except ProductError:
        return False
    return True


def versions_of(place: Path) -> Path:
    """The folder of a product's versions."""
    return place.with_name(place.name + VERSIONS_SUFFIX)


def current_version(path: Path) -> Path:
    """Folder that a product path leads to now; reading there stays in one version when the product is replaced.

    Parameters
    ----------
    path : Path
        Product path.

    Returns
    -------
    Path
        The version; ``path`` itself where it is a plain folder or does not exist.

    Raises
    ------
    ProductError
        If it is a link that leads nowhere.
    """
    found = _current(path)
    if path.is_symlink() and not found.exists():
        raise ProductError(
            f"{path} is a link to {path.readlink()}, which is missing. Move or copy the product together with its "
            f"{VERSIONS_SUFFIX} folder, or copy it with `cp -rL`."
        )
    return found


def _current(path: Path) -> Path:
    path = path.resolve() if path.is_symlink() else path
    if not path.exists():  # between two renames of a file system that cannot exchange names
        awaited = versions_of(path) / _NEXT
        if awaited.is_symlink() and (path.parent / awaited.readlink() / MANIFEST_NAME).is_file():
            return path.parent / awaited.readlink()
    return path


@contextmanager
def locked(path: Path) -> Iterator[tuple[Path, OutputLock]]:
    """Hold a product for writing, in a ``with`` block.

    Parameters
    ----------
    path : Path
        Product path as it was given.

    Yields
    ------
    Path, OutputLock
        Where it is published, and its lock.

    Raises
    ------
    OutputBusyError
        If another process writes it.
    """
    place = place_of(path)
    with OutputLock(path, place.with_name(place.name + LOCK_SUFFIX)) as lock:
        _heal(place)
        yield place, lock


def refuse_foreign(place: Path) -> None:
    """Refuse to replace what is no product, nor an empty folder; ProductError names it."""
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return
    try:
        Manifest.read(place)
    except ProductError as error:
        raise ProductError(f"{place} exists and is no product directory ({error}); choose another --output.") from error


def fresh_draft(place: Path) -> Path:
    """An empty folder for the next version of a locked product; what an ended process left of one is removed."""
    draft = versions_of(place) / _DRAFT
    remove(draft)
    draft.mkdir(parents=True)
    return draft


def publish(place: Path, draft: Path, lock: OutputLock) -> Path:
    """Make a complete draft the current version of a locked product.

    The product opens at every instant, as it was or as it is now.

    Parameters
    ----------
    place : Path
        From :func:`locked`.
    draft : Path
        From :func:`fresh_draft`, with everything in it.
    lock : OutputLock
        From :func:`locked`.

    Returns
    -------
    Path
        The version.
    """
    manifest = Manifest.read(draft)
    _synchronise(draft)
    before = _current(place)
    version = _free(versions_of(place) / _version_name(manifest))
    lock.check()
    draft.rename(version)
    sync_folder(version.parent)
    kept = _switch(place, version, before)
    sync_folder(place.parent)
    _remove_older(place, keep={version, kept})
    return version


def remove_product(path: Path) -> None:
    """Remove a product with its versions; nothing is no error. The link goes first: no half of a product opens.

    Raises
    ------
    OutputBusyError
        If another process writes it.
    """
    with locked(path) as (place, _lock):
        if place.is_dir() and not place.is_symlink():
            (place / MANIFEST_NAME).unlink(missing_ok=True)
        else:
            remove(place)
        for folder in (place, versions_of(place)):
            _remove_or_warn(folder)


def _is_own_link(place: Path) -> bool:
    """Whether a link leads to a version beside it; also after the product was renamed."""
    target = place.readlink()
    return not target.is_absolute() and len(target.parts) == 2 and target.parts[0].endswith(VERSIONS_SUFFIX)


def _version_name(manifest: Manifest) -> str:
    stamp = manifest.created.split("+")[0].replace(":", "").replace("-", "")
    return f"{stamp}_{manifest.build[:12]}" if manifest.build else stamp


def _free(path: Path) -> Path:
    """The path, or with the first number that makes its name new."""
    free, number = path, 1
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def _synchronise(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            sync_folder(path)
        else:
            sync_file(path)
    sync_folder(folder)


def _switch(place: Path, version: Path, before: Path) -> Path:
    """Turn the link; returns where the version before is now."""
    target = Path(version.parent.name) / version.name
    if not place.is_dir() or place.is_symlink():
        _link(version.parent / _NEXT, target).replace(place)
        return before
    kept = _free(version.parent / _UNVERSIONED)
    if exchange(place, _link(kept, target)):
        return kept
    kept.unlink()
    awaited = _link(version.parent / _NEXT, target)  # where readers and _heal look while the place is empty
    place.rename(kept)
    awaited.replace(place)
    return kept


def _link(link: Path, target: Path) -> Path:
    """Make a link, in the place of one that an ended process left."""
    remove(link)
    link.symlink_to(target)
    return link


def _heal(place: Path) -> None:
    """Finish a switch whose process ended between its two renames."""
    awaited = versions_of(place) / _NEXT
    if not os.path.lexists(place) and _current(place) != place:
        awaited.replace(place)


def _remove_older(place: Path, keep: set[Path]) -> None:
    """Remove versions but those to keep; versions in use are removed after the next build."""
    kept = {path.name for path in keep if path.parent.name == versions_of(place).name}
    for path in sorted(versions_of(place).iterdir()):
        if path.name not in kept:
            _remove_or_warn(path)


def _remove_or_warn(path: Path) -> None:
    try:
        remove(path)
    except OSError as error:
        warnings.warn(f"{path} is no longer used and cannot be removed ({error}). Remove it.", stacklevel=3)
