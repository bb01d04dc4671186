"""State of a build: star table, internal columns, spectra, facts, rejects and inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from pipeline.config import RunConfig
from pipeline.domain.column import Column
from pipeline.domain.columns import BY_NAME, names_at
from pipeline.domain.columns import column as declared_column
from pipeline.domain.own_columns import OWN_FIELDS
from pipeline.products.array_file import ArrayFile
from pipeline.products.identity import build_identity
from pipeline.products.manifest import Identity
from pipeline.products.spectra import SpectrumStore, SpectrumStoreWriter, write_blank_models
from pipeline.sources.archives.record import records_of
from pipeline.sources.tables.star_columns import StarColumns
from pipeline.stages.build_spectra import RawSpectraReader, RawSpectraWriter, reorder
from pipeline.stages.inputs import InputRecord, digest_of
from pipeline.stages.internal import Internal
from pipeline.stages.items import Grid, LabelKind, label_columns
from pipeline.stages.program import program_fingerprint

Progress = Callable[[float, str], None]
"""Callback with the completed fraction of the stage and a short text."""

Value = TypeVar("Value", bound=np.generic)


MAX_TEXT = 256
"""Maximum length of a text in stages; the catalogue contains all of it."""

MAX_REJECTS = 10_000
"""Maximum number of rows that are rejected individually for one reason."""


class StageSkipped(Exception):  # noqa: N818 - not an error: a stage whose inputs are missing says so
    """A stage has no input, for a reason that cannot be declared; the message names what is missing."""


class BuildState:
    """State of a build.

    Parameters
    ----------
    config : RunConfig
        What was asked for.
    work : Path
        Raw spectra and checkpoints of this build.
    draft : Path
        Product directory in the making; it is moved into place when it is complete.
    table : pandas.DataFrame, optional
        One row a star under contract names.

    Attributes
    ----------
    rejects : list of tuple
        (source, obsid, stage, code, reason).
    facts : dict
        JSON values for manifest and report: ``simulated``, ``simulated_note``, ``inputs``, ``choices``, ``report``,
        ``archives``.
    measured : frozenset of str
        Columns that the stages after reading may give.
    tables : dict of str to StarColumns
        Tables that were read before the build, by their name in the configuration.
    reads, writes : set of str
        Names of columns, published and internal, that were taken and given since :meth:`begin`.
    inputs : list of InputRecord
        Files that were read since then.
    replaced : bool
        Whether the whole table was replaced since then.
    left_out : tuple of str
        Stages that the build leaves out, by name.
    """

    def __init__(self, config: RunConfig, work: Path, draft: Path, table: pd.DataFrame | None = None) -> None:
        self.config, self.work, self.draft = config, work, draft
        self._table = pd.DataFrame() if table is None else table
        self._internal: dict[str, NDArray[np.generic]] = {}
        self.rejects: list[tuple[str, int, str, str, str]] = []
        self.facts: dict[str, Any] = {"simulated": False, "simulated_note": ""}
        self.facts |= {"inputs": {}, "choices": {}, "report": {}, "archives": []}
        self.reads: set[str] = set()
        self.writes: set[str] = set()
        self.measured: frozenset[str] = frozenset()
        self.tables: dict[str, StarColumns] = {}
        self.inputs: list[InputRecord] = []
        self.replaced = False
        self.left_out: tuple[str, ...] = ()

    def identity(self) -> Identity:
        """Identity of the build for the files of the product, known after all inputs were read."""
        inputs = self.facts["inputs"]
        return build_identity(
            *(program_fingerprint(), self.config.as_dict(), inputs, self.left_out), self.integers("obsid")
        )

    def begin(self) -> None:
        """Start a stage, and reset the record of accessed columns and inputs."""
        self.reads, self.writes = set(), set()
        self.inputs, self.replaced = [], False

    @property
    def table(self) -> pd.DataFrame:
        """One row a star with catalogue columns; an assigned table replaces all columns."""
        return self._table

    @table.setter
    def table(self, table: pd.DataFrame) -> None:
        self._table, self.replaced = table, True
        self.writes |= {str(name) for name in table.columns}

    @property
    def own(self) -> tuple[Column, ...]:
        """The user's own columns of the table."""
        return tuple(Column(**{name: item[name] for name in OWN_FIELDS}) for item in self.facts.get("own", []))

    @own.setter
    def own(self, columns: Iterable[Column]) -> None:
        self.facts["own"] = [{name: getattr(column, name) for name in OWN_FIELDS} for column in columns]

    def reorder_raw_spectra(self, order: NDArray[np.integer]) -> None:
        """Reorder the rows of the raw spectra."""
        reorder(self.work / "raw", order)

    def __len__(self) -> int:
        return len(self._table)

    def give(self, columns: Mapping[str, ArrayLike] | None = None, /, **more: ArrayLike) -> None:
        """Add or replace columns of the table, with one value a star or one for all."""
        new = pd.DataFrame({**(columns or {}), **more}, index=self._table.index)
        replaced = [name for name in new.columns if name in self._table]
        self._table = pd.concat([self._table.drop(columns=replaced), new], axis=1)
        self.writes |= {str(name) for name in new.columns}

    def keep(self, internal: Internal[Value], values: ArrayLike) -> None:
        """Write an internal column.

        Raises
        ------
        ValueError
            If it does not hold one value a star.
        """
        array = np.asarray(values, internal.dtype)
        if array.shape != (len(self),):
            raise ValueError(f"Internal column {internal.name} of shape {array.shape} does not fit {len(self)} rows.")
        self._internal[internal.name] = array
        self.writes.add(internal.name)

    def has(self, internal: Internal[Any]) -> bool:
        """Whether a stage wrote the internal column."""
        self.reads.add(internal.name)
        return internal.name in self._internal

    @property
    def internal(self) -> dict[str, NDArray[np.generic]]:
        """All internal columns by name."""
        return dict(self._internal)

    def kept(self, internal: Internal[Value]) -> NDArray[Value]:
        """Read an internal column.

        Raises
        ------
        KeyError
            If no stage gave it: ask :meth:`has` before.
        """
        self.reads.add(internal.name)
        values: NDArray[Value] = self._internal[internal.name].view()  # type: ignore[assignment]
        values.setflags(write=False)
        return values

    def has_column(self, name: str) -> bool:
        """Whether the table has a declared column, with or without values."""
        self.reads.add(declared_column(name).name)
        return name in self._table

    def column(self, name: str) -> NDArray[np.float64]:
        """A numeric column as float64; all NaN if the table lacks it.

        Raises
        ------
        KeyError
            If no column is declared under that name.
        """
        if not self.has_column(name):
            return np.full(len(self), np.nan)
        return self._table[name].to_numpy(dtype=np.float64)

    def labels(self, kind: LabelKind) -> NDArray[np.float64]:
        """Columns of one kind for the configured labels, shape (n, labels); NaN if missing."""
        names = label_columns(kind, self.config.labels.names)
        nothing = np.full(len(self), np.nan)
        return np.stack([self.column(name) if name in BY_NAME else nothing for name in names], axis=1)

    def integers(self, name: str) -> NDArray[np.int64]:
        """A column of integers, exact to 64 bits; its declared missing value if the table lacks it.

        Raises
        ------
        KeyError
            If the table lacks a column that has no value for unknown.
        """
        if not self.has_column(name):
            unknown = declared_column(name).unknown
            if unknown is None:
                raise KeyError(f"The table has no column {name}, and none of its values means unknown.")
            return np.full(len(self), unknown, np.int64)
        return self._table[name].to_numpy(dtype=np.int64)

    def truths(self, name: str) -> NDArray[np.bool_]:
        """A boolean column; all False if the table lacks it."""
        if not self.has_column(name):
            return np.zeros(len(self), np.bool_)
        return self._table[name].fillna(value=False).to_numpy(dtype=np.bool_)

    def words(self, name: str) -> NDArray[np.str_]:
        """A text column, cut to :data:`MAX_TEXT` characters; "" if missing.

        numpy gives every row the room of the longest: one text of a megabyte would cost that much a star.
        """
        if not self.has_column(name):
            return np.full(len(self), "")
        return self._table[name].fillna("").astype("str").str.slice(0, MAX_TEXT).to_numpy().astype(str)

    def stars_with(self, names: tuple[str, ...]) -> int:
        """Number of stars with values in all of the columns."""
        known = np.ones(len(self), np.bool_)
        for name in names:
            if name not in self._table:
                return 0
            known &= self._known(name)
        return int(known.sum())

    def _known(self, name: str) -> NDArray[np.bool_]:
        declared, values = declared_column(name), self._table[name]
        if declared.is_float:
            return np.asarray(np.isfinite(values.to_numpy(dtype=np.float64)))
        there = values.notna().to_numpy(dtype=np.bool_)
        if declared.dtype == "str":
            return there & (values != "").to_numpy(dtype=np.bool_, na_value=False)
        if declared.unknown is not None:
            return there & (values != declared.unknown).to_numpy(dtype=np.bool_, na_value=False)
        return there

    @property
    def raw_spectra(self) -> RawSpectraReader:
        """Spectra in the observed frame, as they were read."""
        return RawSpectraReader(self.work / "raw", self.config.spectra.masked_windows_angstrom)

    def write_raw_spectra(self, wavelength: NDArray[np.float64]) -> RawSpectraWriter:
        """Open the raw spectra for writing in a ``with`` block; earlier ones are replaced."""
        return RawSpectraWriter(self.work / "raw", wavelength)

    def grid(self) -> Grid:
        """Wavelength grid of the raw spectra; "" without spectra."""
        if not self.raw_spectra.stored:
            return ""
        return "logarithmic" if self.raw_spectra.logarithmic else "other"

    def has_rest_spectra(self) -> bool:
        """Whether rest-frame spectra are stored."""
        return SpectrumStore.exists(self.draft)

    @property
    def rest_spectra(self) -> SpectrumStore:
        """Published spectra in the rest frame, in the rows of the table."""
        return SpectrumStore(self.draft)

    def write_rest_spectra(self, wavelength: NDArray[np.float64], note: str) -> SpectrumStoreWriter:
        """Write the spectra in the rest frame; earlier ones are replaced."""
        return SpectrumStoreWriter(
            self.draft, self.integers("obsid"), wavelength, simulated=self.facts["simulated"], note=note
        )

    def write_models(self) -> ArrayFile:
        """Open the models of the rest-frame spectra for writing, initially NaN; ``close`` them at the end."""
        return write_blank_models(self.draft)

    def record_input(self, path: Path, sha256: str | None = None) -> None:
        """Register an input file under its name in the manifest, before it is read.

        Parameters
        ----------
        path : Path
            Of the file.
        sha256 : str, optional
            Its hash where that is known; computed by default.
        """
        record = InputRecord.of_file(path, sha256)
        self.inputs.append(record)
        self.facts["inputs"][path.name] = record.sha256
        self._record_archives(path, record.sha256)

    def record_folder(self, folder: Path, called: str, files: Sequence[InputRecord], note: str = "") -> None:
        """Register a folder of input files by number and a common hash.

        Parameters
        ----------
        folder : Path
            Whose files were looked for, at any depth.
        called : str
            Name in the manifest.
        files : sequence of InputRecord
            Every file that was found.
        note : str
            What the manifest says besides.
        """
        self.inputs += [InputRecord.of_folder(folder, [Path(record.path) for record in files]), *files]
        text = f"{len(files)} files{note}; SHA-256 of their names and contents {digest_of(files)}"
        self.facts["inputs"][called] = text
        self._record_archives(folder)

    def _record_archives(self, path: Path, sha256: str = "") -> None:
        """Add what the record of a fetch beside an input says of it."""
        known = self.facts.setdefault("archives", [])
        known += [part for part in records_of(path, sha256) if part not in known]

    def reject(self, stage: str, source: str, obsid: int, code: str, reason: str) -> None:
        """Add a row to the rejects table."""
        self.rejects.append((source, obsid, stage, code, reason))

    def reject_rows(
        self, stage: str, rows: NDArray[np.intp], code: str, what: str, reason: Callable[[int], str]
    ) -> None:
        """Reject rows of the table; beyond :data:`MAX_REJECTS` one entry counts the others.

        Parameters
        ----------
        stage : str
            Where it happened.
        rows : ndarray of int
            Rows of the table.
        code, what : str
            Short code, and what is wrong with all of them in a few words.
        reason : callable
            Sentence for a row.
        """
        listed = rows[:MAX_REJECTS]
        obsid = self.integers("obsid")[listed]
        source: Sequence[str] | NDArray[Any] = self.words("source_file")[listed] if listed.size else []
        for row, number, file in zip(listed.tolist(), obsid.tolist(), source, strict=True):
            self.reject(stage, str(file), number, code, reason(row))
        if rows.size > MAX_REJECTS:
            self.reject(stage, "", 0, code, f"{what}: {rows.size - MAX_REJECTS:,} more rows, not listed one by one.")

    def reference_velocity(self) -> NDArray[np.float64]:
        """Reference velocity; NaN where its flags mark it as bad."""
        return np.where(self.truths("ref_bad"), np.nan, self.column("rv_ref"))

    def best_velocity_error(self) -> NDArray[np.float64]:
        """Error of :meth:`best_velocity`; NaN for the input's velocity, which has none."""
        error = np.full(len(self), np.nan)
        for name in reversed(names_at("velocity")):
            declared = declared_column(name).error
            own = self.column(declared) if declared else np.full(len(self), np.nan)
            if name == "rv_ref":
                own = np.hypot(own, np.nan_to_num(self.column("rv_ref_scatter")))
            error = np.where(np.isfinite(self.column(name)), own, error)
        return error

    def spectrum_velocity(self) -> NDArray[np.float64]:
        """Velocity shift of each spectrum: best velocity plus subtracted zero point; 0 if unknown."""
        return np.nan_to_num(self.best_velocity()) + np.nan_to_num(self.column("rv_zero_point"))

    def best_velocity(self) -> NDArray[np.float64]:
        """Measured or finished radial velocity, else the input's, Gaia's or the reference's, else NaN."""
        velocity = np.full(len(self), np.nan)
        for name in names_at("velocity"):
            other = self.reference_velocity() if name == "rv_ref" else self.column(name)
            velocity = np.where(np.isfinite(velocity), velocity, other)
        return velocity
