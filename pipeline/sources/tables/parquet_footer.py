"""Unpacked size of a Parquet file, from its footer and page headers, before unpacking.

Both are in Thrift's compact protocol (https://github.com/apache/parquet-format, parquet.thrift), of which the little
that is needed is read here: pyarrow unpacks a page whatever its size, and ends the process where sizes of a damaged
file disagree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from pipeline.sources.tables.table_file import Limits, TableError

_MARK = b"PAR1"
_TAIL_BYTES = 8
_FOOTER_BYTES_A_COLUMN = 2000
_HEADER_BYTES = 1 << 16
_MAX_PAGES = 20_000
_MAX_NESTING = 16
_MAX_FIXED_BYTES = 1024
_DELTA_BYTE_ARRAY = 7
"""An encoding in which texts share prefixes, so that a small page may contain very long texts."""

_SCHEMA, _ROWS, _ROW_GROUPS = 2, 3, 4
_TYPE_LENGTH = 2
_CHUNKS, _CHUNK_META = 1, 3
_PATH, _VALUES, _DATA_OFFSET, _DICTIONARY_OFFSET = 3, 5, 9, 11
_UNPACKED, _PACKED = 2, 3
_DATA_PAGES = {5: (1, 2), 8: (1, 4)}
"""Header field of a data page by version, with the fields of number of values and encoding."""

_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(13)


class ParquetFooter:
    """Footer of an uploaded Parquet file.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        For messages.
    limits : Limits
        Bounds.

    Raises
    ------
    TableError
        If the footer is damaged, or the table has more rows or columns than the limits, or cells of a fixed size that
        no number has.
    """

    def __init__(self, data: bytes, name: str, limits: Limits) -> None:
        self._data, self._name, self._limits, self._page_count = data, name, limits, 0
        size = int.from_bytes(data[-_TAIL_BYTES:-4], "little")
        start = len(data) - _TAIL_BYTES - size
        if not data.endswith(_MARK) or start < len(_MARK):
            raise self._damaged()
        if limits.max_columns is not None and size > _FOOTER_BYTES_A_COLUMN * max(limits.max_columns, 1):
            raise TableError(f"{name} has a footer of {size:,} bytes: too many columns or row groups. Leave some out.")
        try:
            footer = _Compact(data, start, len(data) - _TAIL_BYTES, self._check_list).struct()
            limits.check_rows(name, int(footer[_ROWS]))
            fixed = max((int(item.get(_TYPE_LENGTH, 0)) for item in footer[_SCHEMA]), default=0)
            self._groups = [list(group[_CHUNKS]) for group in footer.get(_ROW_GROUPS, [])]
        except (IndexError, KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
            if isinstance(error, TableError):
                raise
            raise self._damaged() from None
        if fixed > _MAX_FIXED_BYTES:
            raise TableError(f"{name} has cells of {fixed:,} bytes, which are no numbers. Leave such columns out.")

    def _check_list(self, field: int, size: int) -> None:
        if field == _SCHEMA:
            self._limits.check_columns(self._name, size - 1)

    def _damaged(self) -> TableError:
        return TableError(f"{self._name} is damaged or cut-short Parquet. Fetch it again.")

    def check_pages(self, names: Collection[str]) -> None:
        """Refuse columns that exceed the limits unpacked.

        Parameters
        ----------
        names : collection of str
            The columns that are to be read.

        Raises
        ------
        TableError
            With the limit, or if pages are damaged.
        """
        unpacked = dict.fromkeys(names, 0)
        try:
            for chunk in (chunk[_CHUNK_META] for group in self._groups for chunk in group):
                path = [part.decode("utf-8", "replace") for part in chunk[_PATH]]
                name = ".".join(path)
                if name in unpacked:
                    for size in self._pages(chunk):
                        unpacked[name] += size
                        self._limits.check_bytes(self._name, unpacked[name])
        except (IndexError, KeyError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, TableError):
                raise
            raise self._damaged() from None

    def _pages(self, chunk: dict[int, Any]) -> Iterator[int]:
        """Unpacked size of each page of a column chunk."""
        offsets = [int(chunk[key]) for key in (_DICTIONARY_OFFSET, _DATA_OFFSET) if chunk.get(key, 0) > 0]
        place, left = min(offsets), int(chunk[_VALUES])
        while left > 0:
            self._page_count += 1
            if self._page_count > _MAX_PAGES or not len(_MARK) <= place < len(self._data):
                raise self._damaged()
            reader = _Compact(self._data, place, min(place + _HEADER_BYTES, len(self._data)))
            header = reader.struct()
            packed, unpacked = int(header[_PACKED]), int(header[_UNPACKED])
            if packed < 0 or unpacked < 0:
                raise self._damaged()
            yield unpacked
            for key, (values, encoding) in _DATA_PAGES.items():
                if key in header:
                    left -= max(int(header[key][values]), 0)
                    if header[key][encoding] == _DELTA_BYTE_ARRAY:
                        raise TableError(
                            f"{self._name} is Parquet with delta-encoded text, which is not read from uploads. Save it "
                            "without (pyarrow and pandas do), or as CSV."
                        )
            place = reader.place + packed


class _Compact:
    """Thrift's compact protocol: structs as dicts of field number to value."""

    def __init__(self, data: bytes, place: int, end: int, on_list: Any = None) -> None:
        self._data, self.place, self._end, self._on_list = data, place, end, on_list

    def _byte(self) -> int:
        if self.place >= self._end:
            raise IndexError
        self.place += 1
        return self._data[self.place - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ValueError

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """The fields of a struct by number."""
        if depth > _MAX_NESTING:
            raise ValueError
        result: dict[int, Any] = {}
        field = 0
        while kind := self._byte():
            field = field + (kind >> 4) if kind >> 4 else self._zigzag()
            result[field] = self._value(kind & 0x0F, depth, field if depth == 0 else 0)
        return result

    def _value(self, kind: int, depth: int, field: int = 0) -> Any:
        if kind in (_I16, _I32, _I64):
            return self._zigzag()
        if kind == _BINARY:
            return self._skip(self._varint())
        if kind in (_LIST, _SET):
            return self._list(depth, field)
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind not in (_BYTE, _DOUBLE):
            raise ValueError
        return self._skip(1 if kind == _BYTE else 8)

    def _skip(self, count: int) -> bytes:
        if self.place + count > self._end:
            raise IndexError
        self.place += count
        return self._data[self.place - count : self.place]

    def _list(self, depth: int, field: int) -> list[Any]:
        head = self._byte()
        size, kind = head >> 4, head & 0x0F
        if size == 0x0F:
            size = self._varint()
        if self._on_list is not None and field:
            self._on_list(field, size)
        if size > self._end - self.place:
            raise IndexError
        if kind in (_TRUE, _FALSE):
            return [self._byte() == _TRUE for _ in range(size)]
        return [self._value(kind, depth + 1) for _ in range(size)]
