"""Services of sky images and of names, as hips2fits and SIMBAD: images are painted with a WCS from positions."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.wcs import WCS
from PIL import Image
from votable_text import votable
from wire import Reply, Request, text_reply

RED, GREEN, BLUE = (255, 40, 40), (40, 255, 40), (60, 60, 255)
_DISC_ARCSEC = 2.0


@dataclass
class SkyArchive:
    """Both services below one address.

    Parameters
    ----------
    url : str
        Address of the server.
    stars : list of (float, float, tuple)
        Positions in degrees and colours of what images show, besides noise.
    named : list of (str, str, float, float, str)
        main_id, otype_txt, ra, dec and ids of what the service of names has; it returns all of it.
    instead : Reply or None
        An answer in the place of each image.
    form : str
        Format of images.
    """

    url: str
    stars: list[tuple[float, float, tuple[int, int, int]]] = field(default_factory=list)
    named: list[tuple[str, str, float, float, str]] = field(default_factory=list)
    instead: Reply | None = None
    form: str = "JPEG"

    def profile(self, path: Path, **changes: float) -> Path:
        """Write a profile that leads the client here."""
        limits = {"spacing_s": 0.0, "attempts": 1, "timeout_s": 5.0} | changes
        lines = [f"{name} = {value}" for name, value in limits.items()]
        images = ["[service.hips2fits]", f'address = "{self.url}/hips"', *lines]
        names = ["[service.simbad]", f'address = "{self.url}/names"', *lines]
        path.write_text("\n".join([*images, *names]), encoding="utf-8")
        return path

    def answer(self, request: Request) -> Reply | None:
        """An image, or names."""
        if request.path == "/hips/hips2fits":
            return self.instead or self.image(request.query)
        if request.path == "/names/sync":
            rows = self.named or [("", "", 0.0, 0.0, "")]
            names = ("main_id", "otype_txt", "ra", "dec", "ids")
            table = Table(rows=rows, names=names, dtype=("S40", "S10", "f8", "f8", "S200"))[: len(self.named)]
            return Reply(200, votable(table), {"Content-Type": "application/x-votable+xml"})
        return None

    def image(self, query: dict[str, str]) -> Reply:
        """The image that a query describes; 400 where hips2fits refuses it."""
        if query["projection"] != "TAN" or query["coordsys"] != "icrs" or float(query["rotation_angle"]):
            return text_reply("This projection is not offered.", status=400)
        width, height, fov = int(query["width"]), int(query["height"]), float(query["fov"])
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval = [float(query["ra"]), float(query["dec"])]
        wcs.wcs.crpix = [(width + 1) / 2, (height + 1) / 2]
        wcs.wcs.cdelt = [-fov / width, fov / width]
        pixels = np.random.default_rng(1).integers(0, 30, (height, width, 3)).astype(np.uint8)
        y, x = np.mgrid[:height, :width]
        for ra, dec, colour in self.stars:
            at_x, at_y = wcs.world_to_pixel(SkyCoord(ra, dec, unit="deg"))
            radius = max(3.0, _DISC_ARCSEC / 3600.0 / fov * width)
            disc = (x - at_x) ** 2 + (y - (height - 1 - at_y)) ** 2 < radius**2  # the first row is the upper one
            pixels[disc] = colour
        return picture_reply(pixels, self.form)


def picture_reply(pixels: np.ndarray, form: str = "JPEG") -> Reply:
    """An image of pixels."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, form, quality=95)
    return Reply(200, file.getvalue(), {"Content-Type": f"image/{form.lower()}"})
