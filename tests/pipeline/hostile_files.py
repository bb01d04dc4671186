"""Deliberately damaged spectra: header values, pixels, sizes and compressions."""

import gzip
import io
import zlib

import numpy as np
from astropy.io import fits

BLOCK = 2880
PIXELS = 3900

HEADER_EXTREMES = {
    "OBSID": (
        *(-5, 0, 2**63, 10**19, "99999999999999999999", "101001.5", "1e999999", True, "<b>1</b>", "--", 1e30, "nan"),
        *("9007199254740993.0", "", "+", "0x10"),
    ),
    "RA": ("inf", "-inf", "nan", "twelve", 1e300, -1e300, 361.0, -181.0, 1e-300, True, "", -9999.0, 10**60),
    "DEC": ("inf", "-inf", "nan", "x", 200.0, -200.0, 90.001, 1e300, True, "", -9999.0, 10**60),
    "SPID": (-3, 17, 40000, 70000, 10**30, "999999999999999999999999", 6.5, "6.0", True, "x", ""),
    "FIBERID": (-1, 4001, 70000, 10**30, "99999999999999999999999", 13.5, "13.0", True, "x", ""),
    "LMJD": (-1, 10**15, 2**31, 2**63, 10**30, 58275.5, "58275.0", True, "x", ""),
    "Z": ("inf", "-inf", "nan", "--", 1e300, -1e300, 1e-300, 0.0049, -0.0049, 1100.0, True, "", 10**60),
    "DESIG": ("<script>alert(1)</script>", "=cmd|' /C calc'!A0", "J" * 60000, 5, True, ""),
    "PLANID": ("<svg onload=alert(3)>", "P" * 60000, 5, 1e300, ""),
    "CLASS": ("GALAXY", "<b>", "C" * 5000, 3, ""),
    "SUBCLASS": ("M" * 5000, "<svg onload=alert(3)>", 4.5, ""),
    "COEFF0": ("abc", "nan", 1e300, -1e300, 0.0, 2.568, ""),
    "COEFF1": ("abc", "nan", 1e300, -1e-4, 0.0, 1.0, ""),
    "SIMULATD": ("x", 7, 1e300, ""),
}
"""Values of a card by its keyword."""


def good_image(obsid=101001, **cards):
    """A spectrum of five rows with a header as LAMOST writes it."""
    x = np.arange(PIXELS)
    flux = 700.0 + 100.0 * np.sin(x / 150.0)
    rows = np.array([flux, np.full(PIXELS, 0.01), 10 ** (3.5682 + 1e-4 * x), 0.0 * x, 0.0 * x]).astype(np.float32)
    hdu = fits.PrimaryHDU(rows)
    header = {"OBSID": obsid, "RA": 120.5, "DEC": 30.25, "LMJD": 58275, "PLANID": "P1", "SPID": 6, "FIBERID": 13}
    header |= {"Z": 1e-4, "CLASS": "STAR", "SUBCLASS": "M5", "DESIG": "J1", "COEFF0": 3.5682, "COEFF1": 1e-4} | cards
    for key, value in header.items():
        hdu.header[key] = value
    return hdu


def content(hdus):
    """Bytes of a file with these HDUs."""
    buffer = io.BytesIO()
    fits.HDUList(hdus if isinstance(hdus, list) else [hdus]).writeto(buffer, output_verify="ignore")
    return buffer.getvalue()


def with_pixels(change, obsid=101001):
    """A spectrum whose rows (flux, ivar, wavelength, masks) were changed in place."""
    hdu = good_image(obsid)
    with np.errstate(all="ignore"):
        hdu.data = np.asarray(change(hdu.data.astype(np.float64)))
    return content(hdu)


def _flux(factor):
    def change(rows):
        rows[0] *= factor
        return rows

    return change


def _ivar(value):
    def change(rows):
        rows[1] = value
        return rows

    return change


def _swapped(rows):
    return rows.astype(">f4").view("<f4").astype(np.float64)


PIXEL_EXTREMES = {
    "flux 1e38": lambda: with_pixels(_flux(1e35)),
    "flux 1e300": lambda: with_pixels(_flux(1e298)),
    "flux 1e-37": lambda: with_pixels(_flux(1e-39)),
    "flux infinite": lambda: with_pixels(_flux(np.inf)),
    "flux negative": lambda: with_pixels(_flux(-1.0)),
    "ivar 1e38": lambda: with_pixels(_ivar(1e38)),
    "ivar 1e-37": lambda: with_pixels(_ivar(1e-37)),
    "ivar negative": lambda: with_pixels(_ivar(-1.0)),
    "byte order": lambda: with_pixels(_swapped),
}
"""Content of a file whose pixels are none of a spectrum."""


def packed(packing="RICE_1", obsid=101001, **options):
    """A spectrum as fpack packs it: image and header in the first extension."""
    hdu = good_image(obsid)
    image = fits.CompImageHDU(hdu.data, header=hdu.header, compression_type=packing, **options)
    return content([fits.PrimaryHDU(), image])


def card(key, value):
    """Eighty characters of a header."""
    return f"{key:<8}= {value:>20}".ljust(80).encode()


def header(*cards):
    """Cards up to END, filled up to whole blocks."""
    content = b"".join(cards) + b"END".ljust(80)
    return content.ljust(-(-len(content) // BLOCK) * BLOCK)


def many_hdus(count):
    """An empty file with so many extensions."""
    primary = header(card("SIMPLE", "T"), card("BITPIX", 8), card("NAXIS", 0))
    cards = (card("BITPIX", 8), card("NAXIS", 0), card("PCOUNT", 0), card("GCOUNT", 1))
    return primary + header(card("XTENSION", "'IMAGE   '"), *cards) * count


def gzip_bomb(megabytes, members=1):
    """Gzipped zeros behind a FITS header, and members of one megabyte after it."""
    packer = zlib.compressobj(1, wbits=31)
    start = many_hdus(0)
    zeros = bytes(1024**2)
    parts = [packer.compress(start), *(packer.compress(zeros) for _ in range(megabytes)), packer.flush()]
    more = gzip.compress(zeros) if members > 1 else b""
    return b"".join(parts) + more * (members - 1)


def tile_bomb(megabytes):
    """A packed image, one tile of which is a gzip bomb."""
    data = bytearray(packed("GZIP_1", quantize_level=0.0))
    with fits.open(io.BytesIO(bytes(data)), disable_image_compression=True) as hdus:
        table = hdus[1]
        cells = [np.asarray(cell).tobytes() for cell in table.data["COMPRESSED_DATA"]]
        cells[2] = gzip.compress(bytes(megabytes * 1024**2))
        column = fits.Column(
            "COMPRESSED_DATA", "PB()", array=np.array([np.frombuffer(cell, np.uint8) for cell in cells], dtype=object)
        )
        made = fits.BinTableHDU.from_columns([column], header=table.header)
        return content([fits.PrimaryHDU(), made])
