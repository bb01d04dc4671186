"""The identity of a build in all files of a product, so that mixed products are refused.

Parquet files carry it in their metadata, JSON documents under ``identity`` (lists in each of their objects), ``.npz``
files as the array ``identity``. A ``.npy`` file cannot carry it: the manifest's checksums bind it to its build.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.products.manifest import (
    IDENTITY_KEY,
    MANIFEST_NAME,
    Identity,
    Manifest,
    ProductError,
    damaged,
    product_files,
)

_DIGITS = 32
_MEMBER = f"{IDENTITY_KEY}.npy"
_PARQUET_KEYS = (b"build", b"rows")
_READING_ERRORS = (OSError, ValueError, KeyError, EOFError, TypeError, pa.ArrowException, zipfile.BadZipFile)


def row_fingerprint(obsid: NDArray[np.integer]) -> str:
    """Fingerprint of the catalogue's rows: hash of their observation ids in order."""
    return hashlib.sha256(np.ascontiguousarray(obsid, "<i8").tobytes()).hexdigest()[:_DIGITS]


def build_identity(
    program: str,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    left_out: Collection[str],
    obsid: NDArray[np.integer],
) -> Identity:
    """Identity of a build; the same code, settings, inputs and rows give the same one.

    Parameters
    ----------
    program : str
        Fingerprint of the code and the versions of its libraries.
    settings : mapping
        The whole configuration.
    inputs : mapping of str to str
        Inputs of the manifest, with their hashes.
    left_out : collection of str
        Stages that the build leaves out.
    obsid : ndarray of int, shape (n_stars,)
        Of the catalogue, in its order.

    Returns
    -------
    Identity
        Of every file of the product.
    """
    rows = row_fingerprint(obsid)
    text = json.dumps([program, settings, inputs, sorted(left_out), rows], sort_keys=True)
    return Identity(hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:_DIGITS], rows)


def carries_identity(path: Path) -> bool:
    """Whether the format of a file can hold an identity, by its suffix."""
    return path.suffix in (".parquet", ".npz", ".json") and path.name != MANIFEST_NAME


def read_identity(path: Path) -> Identity | None:
    """Identity in a Parquet, JSON or ``.npz`` file, read without its data; None if missing.

    Raises
    ------
    ProductError
        If the file cannot be read.
    """
    try:
        result = _stored(path)
    except _READING_ERRORS as error:
        raise damaged(path, error) from error
    return Identity(*result) if result and all(result) else None


def identity_breaches(directory: Path, manifest: Manifest) -> Iterator[str]:
    """Yield a sentence for each file of a product from another build than its manifest.

    A product that an older program made, whose manifest and files carry no identity, has none. Missing files are not
    looked at. Only headers are read: a few milliseconds in all.

    Parameters
    ----------
    directory : Path
        Product directory.
    manifest : Manifest
        Its manifest.
    """
    for name in sorted(manifest.files):
        path = directory / name
        if not carries_identity(path) or not path.is_file():
            continue
        try:
            result = read_identity(path)
        except ProductError as error:
            yield str(error)
            continue
        if result != manifest.identity:
            yield (
                f"{path} belongs to another build ({_named(result)}) than {MANIFEST_NAME} "
                f"({_named(manifest.identity)}): files of two products are mixed. Build the products again."
            )


def check_identity(directory: Path, manifest: Manifest) -> None:
    """Refuse a product with files of several builds; fast enough for each opening.

    Parameters
    ----------
    directory : Path
        Product directory.
    manifest : Manifest
        Its manifest.

    Raises
    ------
    ProductError
        If a file belongs to another build or cannot be read; the message names the first one.
    """
    for breach in identity_breaches(directory, manifest):
        raise ProductError(breach)


def write_with_identity(source: Path, target: Path, identity: Identity) -> None:
    """Write a copy of a Parquet, JSON or ``.npz`` file that carries an identity.

    Parameters
    ----------
    source, target : Path
        The file, and its copy, which is replaced.
    identity : Identity
        Of the build.

    Raises
    ------
    ProductError
        If the source cannot be read.
    """
    try:
        if source.suffix == ".parquet":
            _copy_parquet(source, target, identity)
        elif source.suffix == ".npz":
            _copy_npz(source, target, identity)
        else:
            document = json.loads(source.read_text("utf-8"))
            text = json.dumps(with_identity(document, identity), indent=1, ensure_ascii=False)
            target.write_text(f"{text}\n", encoding="utf-8")
    except (ValueError, pa.ArrowException, zipfile.BadZipFile) as error:
        raise damaged(source, error) from error


def stamp(directory: Path, identity: Identity) -> None:
    """Write the identity of the build into the files of a draft whose formats can hold it."""
    for path in (directory / name for name in product_files(directory)):
        if carries_identity(path) and read_identity(path) != identity:
            stamped = path.with_name(f"{path.name}.part")
            write_with_identity(path, stamped, identity)
            stamped.replace(path)


def with_identity(document: Any, identity: Identity) -> Any:
    """Add an identity to a JSON object or list of objects; other documents are unchanged."""
    if isinstance(document, Mapping):
        return {**document, IDENTITY_KEY: {"build": identity.build, "rows": identity.rows}}
    if isinstance(document, list) and all(isinstance(item, Mapping) for item in document):
        return [with_identity(item, identity) for item in document]
    return document


def parquet_metadata(identity: Identity | None) -> dict[bytes, bytes]:
    """Parquet metadata with an identity; empty without one."""
    if identity is None:
        return {}
    return dict(zip(_PARQUET_KEYS, (identity.build.encode(), identity.rows.encode()), strict=True))


def _stored(path: Path) -> tuple[str, str] | None:
    if path.suffix == ".parquet":
        metadata = pq.read_schema(path).metadata or {}
        build, rows = (metadata.get(key, b"").decode("ascii") for key in _PARQUET_KEYS)
        return build, rows
    if path.suffix == ".npz":
        with zipfile.ZipFile(path) as archive:
            if _MEMBER not in archive.namelist():
                return None
            values = np.load(io.BytesIO(archive.read(_MEMBER)), allow_pickle=False)
        return str(values[0]), str(values[1])
    document = json.loads(path.read_text("utf-8"))
    parts = document if isinstance(document, list) else [document]
    result = {_of_object(part) for part in parts}
    if len(result) > 1:
        raise ValueError("its entries belong to several builds")
    return result.pop() if result else None


def _of_object(part: Any) -> tuple[str, str] | None:
    stored = part.get(IDENTITY_KEY) if isinstance(part, Mapping) else None
    return (str(stored["build"]), str(stored["rows"])) if isinstance(stored, Mapping) else None


def _named(identity: Identity | None) -> str:
    return identity.build[:12] if identity is not None else "without an identity"


def _copy_parquet(source: Path, target: Path, identity: Identity) -> None:
    with pq.ParquetFile(source, page_checksum_verification=True) as file:
        schema = file.schema_arrow
        schema = schema.with_metadata({**(schema.metadata or {}), **parquet_metadata(identity)})
        with pq.ParquetWriter(target, schema, compression="zstd", write_page_checksum=True) as writer:
            for group in range(file.metadata.num_row_groups):
                writer.write_table(file.read_row_group(group).cast(schema))


def _copy_npz(source: Path, target: Path, identity: Identity) -> None:
    shutil.copyfile(source, target)
    content = io.BytesIO()
    np.save(content, np.array([identity.build, identity.rows]), allow_pickle=False)
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr(zipfile.ZipInfo(_MEMBER), content.getvalue())
