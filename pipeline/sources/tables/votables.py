"""VOTables, parsed by astropy after a check for external references."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from astropy.io.votable import parse
from astropy.io.votable.tree import Field as VOField
from astropy.io.votable.tree import TableElement

from pipeline.sources.tables.safe_xml import UnsafeXmlError, refuse_outside_references
from pipeline.sources.tables.table_file import (
    BLOCK_ROWS,
    Field,
    Kind,
    Origin,
    TableError,
    TableFile,
    plain_frame,
    says_simulated,
)

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("unsignedByte", "short", "int", "long"), "int"),
    **dict.fromkeys(("float", "double"), "float"),
    **dict.fromkeys(("char", "unicodeChar"), "str"),
    **dict.fromkeys(("boolean", "bit"), "bool"),
}


class VOTableFile(TableFile):
    """The table with the most rows of a VOTable, in memory."""

    def __init__(self, origin: Origin) -> None:
        data = origin.whole()
        try:
            refuse_outside_references(data, origin.limits, origin.name)
        except UnsafeXmlError as error:
            raise TableError(f"{origin.name}: {error}") from None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                document = parse(io.BytesIO(data), verify="ignore")
        except Exception as error:  # noqa: BLE001 - astropy raises many kinds on damaged files
            raise TableError(f"{origin.name} is damaged VOTable ({type(error).__name__}). Fetch it again.") from None
        infos = {
            str(info.name).lower(): str(info.value)
            for holder in (document, *document.resources)
            for info in holder.infos
        }
        status = infos.get("query_status", "").upper()
        if status in ("ERROR", "OVERFLOW"):
            raise TableError(
                f"{origin.name} is an answer with QUERY_STATUS {status}: it is not the whole "
                "result. Ask the archive again, with a larger MAXREC."
            )
        tables = [table for table in document.iter_tables() if table.fields]
        if not tables:
            raise TableError(f"{origin.name} is a VOTable that holds no table.")
        self._table: TableElement = max(tables, key=lambda table: len(table.array))
        self._place: dict[str, int] = {}
        fields = []
        for number, item in enumerate(self._table.fields):
            spelled = str(item.name or item.ID or f"column{number + 1}").strip()
            while spelled in self._place:
                spelled += "_2"
            self._place[spelled] = number
            unit = "" if item.unit is None else str(item.unit)
            fields.append(
                Field(spelled, _kind(item), unit, item.ucd or "", " ".join(str(item.description or "").split()))
            )
        simulated = says_simulated(infos)
        rows = len(self._table.array)
        super().__init__(origin.name, "VOTable", fields, rows, origin.limits, simulated=simulated)

    def blocks(self, names: Sequence[str], rows: int = BLOCK_ROWS) -> Iterator[pd.DataFrame]:
        """Yield blocks of the parsed table."""
        array = self._table.array
        keys = array.dtype.names or ()
        kinds = self.by_name
        for start in range(0, len(array), rows):
            part = array[start : start + rows]
            yield plain_frame({name: _series(part[keys[self._place[name]]], kinds[name].kind) for name in names})


def _kind(item: VOField) -> Kind:
    kind = _KINDS.get(str(item.datatype), "array")
    scalar = item.arraysize in (None, "", "1") or kind == "str"
    return kind if scalar else "array"


def _series(values: np.ma.MaskedArray, kind: Kind) -> pd.Series:
    missing = np.ma.getmaskarray(values)
    data = np.ma.getdata(values)
    if kind == "int":
        return pd.Series(data.astype(np.int64), dtype="Int64").mask(missing)
    if kind == "float":
        return pd.Series(np.where(missing, np.nan, data))
    if kind == "bool":
        return pd.Series(data.astype(bool), dtype="boolean").mask(missing)
    texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in data.tolist()]
    return pd.Series([text.strip() for text in texts], dtype="str").mask(missing)
