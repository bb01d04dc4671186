"""FITS tables written card by card, for invalid files that no library writes."""

import numpy as np
from astropy.io import fits


def fits_bytes(*columns, extra=(), rows=3, before=(), kind="BINTABLE"):
    """A FITS file with one table, made by hand from (TFORM, bytes a row, other keywords)."""
    width = sum(len(values[0]) for _, values, _ in columns)
    cards = [("XTENSION", kind), ("BITPIX", 8), ("NAXIS", 2), ("NAXIS1", width), ("NAXIS2", rows)]
    cards += [("PCOUNT", 0), ("GCOUNT", 1), ("TFIELDS", len(columns))]
    for number, (form, _, more) in enumerate(columns, 1):
        words = {"TFORM": form, "TTYPE": f"c{number}", **more}
        cards += [(f"{key}{number}", value) for key, value in words.items()]
    header = fits.Header([*cards, *extra])
    data = b"".join(values[row] for row in range(rows) for _, values, _ in columns)
    primary = fits.Header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)])
    parts = [primary.tostring().encode(), *before, header.tostring().encode(), data + bytes(-len(data) % 2880)]
    return b"".join(parts)


def packed(dtype, *values):
    return [np.array(one, dtype).tobytes() for one in values]
