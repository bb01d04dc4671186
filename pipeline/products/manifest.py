"""The manifest of a product directory: program, inputs, choices, and what is simulated."""

from __future__ import annotations

import hashlib
import json
import platform
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pipeline import __version__

FORMAT_VERSION = 1
"""Version of the product directory's layout; newer ones are refused."""

MANIFEST_NAME = "manifest.json"

_CHECKSUM = "checksum"

_VERSIONED = ("numpy", "scipy", "astropy", "scikit-learn", "pandas", "pyarrow", "galpy")


IDENTITY_KEY = "identity"
"""Key of the build identity in JSON documents and ``.npz`` files."""


ARRAY_ERRORS = (
    *(OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, SyntaxError),
    *(
        NotImplementedError,
        RuntimeError,
        MemoryError,
        struct.error,
        tokenize.TokenError,
        zipfile.BadZipFile,
        zlib.error,
    ),
)
"""Exceptions of readers for damaged ``.npy``, ``.npz`` and JSON files."""


class ProductError(ValueError):
    """A product directory cannot be opened or violates the contract."""


def damaged(path: Path, error: BaseException) -> ProductError:
    """Error of a missing or unreadable file of a product, with the file, the cause and the remedy."""
    if isinstance(error, FileNotFoundError):
        return ProductError(f"{path} is missing. Build the products again.")
    cause = " ".join(str(error).split()) or type(error).__name__
    return ProductError(f"{path} is damaged or cannot be read ({cause}). Build the products again.")


@dataclass(frozen=True)
class Identity:
    """Common identity of all files of one product.

    Parameters
    ----------
    build : str
        Hash of the program, its settings, its inputs and its rows; 32 hexadecimal digits.
    rows : str
        Hash of the catalogue's observation ids in order; 32 hexadecimal digits.
    """

    build: str
    rows: str


def software_versions() -> dict[str, str]:
    """Versions of Python, this project and the libraries that affect the catalogue."""
    versions = {"python": platform.python_version(), "mgiant-explorer": __version__}
    for package in _VERSIONED:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("name", "simulated_note", "created", "build", "rows"), str),
    **dict.fromkeys(("configuration", "inputs", "choices", "files", "versions"), dict),
    "simulated": bool,
}
"""Types of the fields in a manifest that was read."""


@dataclass(frozen=True)
class Manifest:
    """Provenance of a product directory.

    Parameters
    ----------
    name : str
        Name of the run.
    simulated : bool
        True when any star in it was simulated.
    simulated_note : str
        What is simulated, in a sentence for the screen; "" when nothing is.
    configuration : mapping
        The whole configuration of the run.
    inputs : mapping of str to str
        Inputs by path or name, with their SHA-256 ("" for a directory that is listed in the rejects and catalogue).
    choices : mapping of str to str
        Scientific choices worth a caption: dust map, frame, potential, distance calibration, label engine.
    stages : tuple of mapping
        For each stage: name, status (done, skipped), reason, rows_in, rows_out, seconds.
    tables : tuple of mapping
        For each table that was read, how its columns were understood; () where none was, and in older manifests.
    archives : tuple of mapping
        For each input that a fetch got from an archive: service, release, request, dates, rows, SHA-256, as the record
        of the fetch says; () where none was, and in older manifests.
    files : mapping of str to str
        SHA-256 of every file in the directory, by relative path.
    versions : mapping of str to str
        Python, this project and the libraries that matter.
    created : str
        UTC, ISO 8601.
    format_version : int
        Layout version.
    build, rows : str
        Identity of the build, as its files carry it; "" in manifests of older programs.
    """

    name: str
    simulated: bool
    simulated_note: str
    configuration: Mapping[str, Any]
    inputs: Mapping[str, str]
    choices: Mapping[str, str]
    stages: tuple[Mapping[str, Any], ...] = ()
    tables: tuple[Mapping[str, Any], ...] = ()
    archives: tuple[Mapping[str, Any], ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=software_versions)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    format_version: int = FORMAT_VERSION
    build: str = ""
    rows: str = ""

    @property
    def identity(self) -> Identity | None:
        """Identity of the build; None in products of older programs."""
        return Identity(self.build, self.rows) if self.build and self.rows else None

    def write(self, directory: Path) -> None:
        """Write ``manifest.json`` with its own checksum into ``directory`` atomically."""
        target = directory / MANIFEST_NAME
        draft = target.with_suffix(".tmp")
        document = asdict(self)
        document = document | {_CHECKSUM: _checksum(document)}
        draft.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        draft.replace(target)

    @classmethod
    def read(cls, directory: Path) -> Manifest:
        """Read a manifest.

        Raises
        ------
        ProductError
            If the directory holds none, it is not valid, or its layout is newer than this program.
        """
        path = directory / MANIFEST_NAME
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ProductError(
                f"{directory} is not a product directory: it has no {MANIFEST_NAME}. "
                "Build one with `python -m pipeline build CONFIG.toml`."
            ) from None
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProductError(f"{path} is not valid JSON ({error}). Build the products again.") from error
        except OSError as error:
            raise damaged(path, error) from error
        result = raw.get("format_version") if isinstance(raw, dict) else None
        if result != FORMAT_VERSION:
            raise ProductError(
                f"{path} has layout version {result!r}; this program reads {FORMAT_VERSION}. Build the products again."
            )
        raw.pop(_CHECKSUM, None)
        try:
            lists = {name: tuple(raw.get(name, ())) for name in ("tables", "archives")}
            made = cls(**{**raw, "stages": tuple(raw["stages"]), **lists})
        except (KeyError, TypeError) as error:
            raise ProductError(f"{path} lacks or misnames a field ({error}). Build the products again.") from error
        if misfit := [name for name, kind in _KINDS.items() if not isinstance(getattr(made, name), kind)]:
            raise ProductError(f"{path} has a wrong value for {', '.join(misfit)}. Build the products again.")
        return made


def manifest_is_unchanged(directory: Path) -> bool:
    """Whether a readable manifest agrees with its own checksum, if it has one."""
    raw = json.loads((directory / MANIFEST_NAME).read_text(encoding="utf-8"))
    stated = raw.pop(_CHECKSUM, None)
    return stated is None or stated == _checksum(raw)


def _checksum(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in blocks."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def checksums(directory: Path) -> dict[str, str]:
    """SHA-256 of all files below ``directory`` except the manifest, by relative POSIX path."""
    return {name: file_sha256(directory / name) for name in product_files(directory)}


def product_files(directory: Path) -> list[str]:
    """Sorted relative POSIX paths of all files below ``directory`` except the manifest."""
    result = (path.relative_to(directory).as_posix() for path in sorted(directory.rglob("*")) if path.is_file())
    return [name for name in result if name != MANIFEST_NAME]
