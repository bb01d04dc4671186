"""Tile-compressed FITS images (fpack, ``.fits.fz``), unpacked within size limits."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from pipeline.domain.spectrum import SpectrumError
from pipeline.sources.bounded_files import bounded_tile

PACKINGS = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2")
"""Supported compressions of images of floats.

Others (HCOMPRESS, PLIO) are not read: their decoders trust sizes in the packed bytes.
"""

MAX_PIXELS = 2**20
"""Maximum size of an unpacked image; a spectrum has 5 rows of 3909."""

_MAX_TILES = 4096
_CELLS = ("COMPRESSED_DATA", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA")
_LARGEST_PIXEL_BYTES = 8


def may_hold_packed_image(content: bytes) -> bool:
    """Whether uncompressed FITS content has the keyword of a packed image."""
    return b"ZIMAGE  =" in content


def is_packed_image(hdu: fits.BinTableHDU) -> bool:
    """Whether a table, opened without astropy's unpacking, is a packed image."""
    return bool(hdu.header.get("ZIMAGE", False))


def packed_image(content: bytes, number: int, table: fits.BinTableHDU, name: str) -> tuple[fits.Header, NDArray[Any]]:
    """Header and pixels of a packed image.

    Parameters
    ----------
    content : bytes
        Of the whole file.
    number : int
        Of the HDU.
    table : BinTableHDU
        The same HDU as the table that it is in the file.
    name : str
        Of the file, for messages.

    Raises
    ------
    SpectrumError
        With code too-large or unreadable.
    """
    header = table.header
    packing = str(header.get("ZCMPTYPE", "")).strip()
    if packing not in PACKINGS:
        raise SpectrumError(
            "unreadable", f"{name} is packed by {packing or 'no method'}; {', '.join(PACKINGS)} are read. Unpack it."
        )
    dimensions = int(header.get("ZNAXIS", 0))
    if not 1 <= dimensions <= 3:
        raise SpectrumError("bad-shape", f"{name} holds a packed image of {dimensions} dimensions.")
    shape = [int(header.get(f"ZNAXIS{axis}", 0)) for axis in range(1, dimensions + 1)]
    tile = [int(header.get(f"ZTILE{axis}", shape[0] if axis == 1 else 1)) for axis in range(1, dimensions + 1)]
    fits_in = all(0 < part <= whole for part, whole in zip(tile, shape, strict=True))
    tiles = math.prod(-(-whole // max(part, 1)) for part, whole in zip(tile, shape, strict=True))
    if not fits_in or math.prod(shape) > MAX_PIXELS or tiles > _MAX_TILES or tiles != len(table.data):
        raise SpectrumError(
            "bad-shape", f"{name} holds a packed image of {shape} pixels in {len(table.data)} tiles of {tile}."
        )
    for column in set(_CELLS) & set(table.columns.names):
        for cell in table.data[column]:
            bounded_tile(np.asarray(cell).tobytes(), _LARGEST_PIXEL_BYTES * math.prod(tile), name)
    with fits.open(io.BytesIO(content), memmap=False) as hdus:
        return hdus[number].header, np.asarray(hdus[number].data)
