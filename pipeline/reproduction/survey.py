"""Measured product: its columns, what other tables say of its stars, and how it was built."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.column import Column
from pipeline.domain.columns import BY_NAME
from pipeline.domain.frames import configured_frame
from pipeline.figures.figure import FigureStars
from pipeline.products.product import Products
from pipeline.science.space.mean_field import MeanField, disc_stars, mean_fields
from pipeline.science.spectra.selection import UNTESTED
from pipeline.stages.table_comparison import MatchedTable

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

OFFICIAL_SCHEMA = "LAMOST M-star catalogue"
"""Start of the name of the schema of LAMOST's official M stars."""

LAMOST = "lamost:"
"""Prefix of values in LAMOST's official catalogue: ``lamost:row`` is 1 where a star has a row there."""

OTHER = "other:"
"""Prefix of values in the other catalogue that the user compares with, the same way."""

_OFFICIAL_LABELS = ("teff", "logg", "m_h")
_KEEP = f"keep = {json.dumps(_OFFICIAL_LABELS)}"
_NOT_JOINED = {
    LAMOST: f"the {OFFICIAL_SCHEMA} is not among the tables of the build: join it, with {_KEEP}",
    OTHER: "no other catalogue was given: --catalogue FILE",
}
"""Why there are no values of another table."""

_NOT_KEPT = {
    LAMOST: f"the build did not keep {{names}} of the {OFFICIAL_SCHEMA}: {_KEEP}",
    OTHER: "the other catalogue gives no {names}: name its column with --column",
}
"""Why a table gives no values of some columns."""


@dataclass(frozen=True)
class Survey:
    """A product as the statements of the paper measure it.

    Parameters
    ----------
    products : Products
        The product.
    other : MatchedTable, optional
        Another catalogue's values of the same stars.
    derived : dict of str to ndarray
        Columns of other tables under prefixed names, see :data:`LAMOST` and :data:`OTHER`.
    """

    products: Products
    other: MatchedTable | None = None
    derived: dict[str, FloatArray] = field(default_factory=dict)

    @classmethod
    def of(cls, products: Products, other: MatchedTable | None = None) -> Survey:
        """A survey with its columns of other tables."""
        derived = dict(_official(products))
        n = len(products.catalog)
        if other is not None:
            named = {item.column.name: item.other for item in other.quantities}
            for name, theirs in (named | {"row": np.ones(other.rows.size)}).items():
                derived[f"{OTHER}{name}"] = np.full(n, np.nan)
                derived[f"{OTHER}{name}"][other.rows] = theirs
        return cls(products, other, derived)

    @property
    def table(self) -> pd.DataFrame:
        """The catalogue."""
        return self.products.catalog.table

    @property
    def simulated(self) -> bool:
        """Whether any star of it, or of the other catalogue, is simulated."""
        return self.products.manifest.simulated or (self.other is not None and self.other.simulated)

    def __getitem__(self, name: str) -> FloatArray:
        """A column as double precision, NaN where a value is missing; KeyError without the column."""
        if name in self.derived:
            return self.derived[name]
        values = np.array(self.table[name], np.float64)
        declared = BY_NAME.get(name)
        if declared is not None and declared.unknown is not None:
            values[values == declared.unknown] = np.nan
        return values

    def known(self, *names: str) -> BoolArray:
        """Stars that have a value in all of the columns."""
        return np.asarray(np.isfinite(np.stack([self[name] for name in names])).all(axis=0), np.bool_)

    def column(self, name: str, default: float = np.nan) -> FloatArray:
        """A column, or a constant where the catalogue lacks it."""
        return self[name] if self.has(name) else np.full(len(self.table), default)

    def words(self, name: str) -> NDArray[np.str_]:
        """A column of text; empty texts where the catalogue lacks it."""
        return self.table[name].to_numpy(str) if name in self.table else np.full(len(self.table), "")

    def has(self, name: str) -> bool:
        """Whether there is a column of that name."""
        return name in self.derived or name in self.table

    def lacking(self, names: Sequence[str]) -> str:
        """Sentence on the columns without which something cannot be measured; "" with all of them."""
        absent = [name for name in names if not self.has(name)]
        empty = [name for name in names if name not in absent and not self._filled(name)]
        own = [name for name in absent if not name.startswith(tuple(_NOT_JOINED))]
        parts = [f"the catalogue lacks {', '.join(own)}"] if own else []
        parts += [f"no star has a value of {', '.join(empty)}"] if empty else []
        for prefix, not_joined in _NOT_JOINED.items():
            foreign = [name.removeprefix(prefix) for name in absent if name.startswith(prefix)]
            if foreign:
                not_kept = _NOT_KEPT[prefix].format(names=", ".join(foreign))
                parts.append(not_kept if self.has(f"{prefix}row") else not_joined)
        return "; ".join(parts)

    def _filled(self, name: str) -> bool:
        if name in self.table and not BY_NAME.get(name, _TEXT).is_numeric:
            values = self.table[name]
            return bool((values != "").any()) if values.dtype != np.bool_ else True
        return bool(np.isfinite(self[name]).any())

    @property
    def giants(self) -> BoolArray:
        """M giants of the selection, and stars that no cut could test; all stars where no selection was made."""
        if "selected" not in self.table:
            return np.ones(len(self.table), np.bool_)
        untested = self.words("selection") == UNTESTED
        return np.asarray(self.table["selected"].to_numpy(bool) | untested, np.bool_)

    def figure_stars(self) -> FigureStars:
        """The M giants, for a figure that is drawn of any stars."""
        return FigureStars(
            column=self.__getitem__,
            has=lambda name: not self.lacking((name,)),
            rows=self.giants,
            called="M giants",
            overlays=self.products.overlays,
            r0_kpc=self.r0_kpc,
            fields=self._fields,
        )

    def _fields(self) -> tuple[MeanField, ...]:
        """Mean velocity fields of the M giants by height, on the map of all stars."""
        names = ("x_gal", "y_gal", "z_gal", "v_x", "v_y", "v_phi")
        x, y, z, v_x, v_y, v_phi = (self[name].astype(np.float32) for name in names)
        stars = disc_stars(x, y, z, v_x, v_y, v_phi)
        return mean_fields(stars, self.giants, range(len(stars.slices_kpc)))

    def setting(self, section: str, name: str) -> Any:
        """A setting of the build; None where its configuration lacks it."""
        values = self.products.manifest.configuration.get(section, {})
        return values.get(name) if isinstance(values, Mapping) else None

    def skipped(self, stage: str) -> str:
        """Why a stage of the build gave nothing; "" where it ran."""
        for entry in self.products.manifest.stages:
            if entry.get("name") == stage:
                reason = entry.get("reason") or "it was skipped"
                return "" if entry.get("status") == "done" else f"the stage {stage!r} did not run: {reason}"
        return f"the stage {stage!r} is not part of this build"

    @property
    def r0_kpc(self) -> float:
        """Distance of the Sun from the Galactic centre in the frame of the build."""
        kinematics = self.products.manifest.configuration.get("kinematics", {"frame": "paper"})
        return configured_frame(kinematics["frame"], kinematics.get("custom_frame", {})).r0_kpc


_TEXT = Column("", "float64", "", "", "", "", "")


def _official(products: Products) -> dict[str, FloatArray]:
    """Values in LAMOST's official M-star catalogue, where it was joined to the stars."""
    catalog, manifest = products.catalog, products.manifest
    files = {str(item.get("file")) for item in manifest.tables if str(item.get("schema")).startswith(OFFICIAL_SCHEMA)}
    result: dict[str, FloatArray] = {}
    for item in catalog.own:
        if item.origin not in files and Path(item.origin).name not in files:
            continue
        if item.dtype == "str" and item.label.endswith(" match"):
            result[f"{LAMOST}row"] = np.where(catalog.table[item.name].to_numpy(str) != "", 1.0, np.nan)
        elif item.label in _OFFICIAL_LABELS:
            result[f"{LAMOST}{item.label}"] = catalog.table[item.name].to_numpy(np.float64)
    return result
