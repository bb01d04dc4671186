"""Real dust maps as :class:`GriddedMap`, through the libraries ``dustmaps`` and ``mwdust``.

The libraries are optional (the extra ``dust``) and are imported when a map is opened. Their files are large and are
never downloaded unasked: ``python -m pipeline fetch dust`` does it.
"""

from __future__ import annotations

import importlib
import io
import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

import numpy as np
from astropy.coordinates import SkyCoord
from numpy.typing import ArrayLike, NDArray

from pipeline.sources.dust_sightlines import read_sightlines

FloatArray = NDArray[np.float64]

GREEN_2019 = MappingProxyType({"J": 0.7927, "H": 0.4690, "Ks": 0.3026})
"""A_band / unit of Bayestar2019: Green et al. (2019, ApJ 887, 93), Table 1."""
GREEN_2018 = MappingProxyType({"J": 0.650, "H": 0.327, "Ks": 0.161})
"""A_band / unit of Bayestar2017: Green et al. (2018, MNRAS 478, 651), Table 1."""
SCHLAFLY_2011 = MappingProxyType({"J": 0.723, "H": 0.460, "Ks": 0.310})
"""A_band / E(B-V) of SFD and of maps on its scale (Schlafly & Finkbeiner 2011, ApJ 737, 103).

R_V = 3.1, in the 2MASS bands as IRSA's dust service tabulates them (``extinction.tbl`` of mwdust).
"""
PER_A_R = MappingProxyType({band: value / 2.31 for band, value in (("J", 0.72), ("H", 0.46), ("Ks", 0.306))})
"""A_band / A_r: Yuan, Liu & Xiang (2013, MNRAS 430, 2188), Table 2, whose r band has 2.31."""

SIGHTLINE_RADIUS_DEG = 0.1
"""Match radius of stars and single sightlines, half a large pixel of Bayestar2015."""

Sightlines = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
"""Function of (l, b) in degrees, shape (n,), that returns reddening and reliable distance.

E(B-V) at the map's nodes, shape (n, k), and the reliable distance in kpc, shape (n,); NaN outside the map.
"""


class DustMapError(ValueError):
    """A dust map cannot be used; the message names the map, the reason and the remedy."""


@dataclass(frozen=True)
class GriddedMap:
    """Reddening at distance nodes along any sightline of the map.

    Parameters
    ----------
    name : str
        What stands in captions and manifests.
    coefficients : mapping of str to float
        A_band for one unit of the map.
    files : tuple of Path
        What it was read from.
    nodes_kpc : ndarray, shape (k,)
        Distances of the nodes, rising from above zero.
    sightlines : callable
        See :data:`Sightlines`.
    spacing : callable
        Reddening is linear in this function of distance between nodes: the logarithm (distance modulus) or the
        distance itself, as the map's own library has it.

    Notes
    -----
    Nearer than the first node reddening falls linearly to zero at the Sun; beyond the last node the last value stands.
    Outside the map it is NaN, never zero: a star there gets no distance.
    """

    name: str
    coefficients: Mapping[str, float]
    files: tuple[Path, ...]
    nodes_kpc: FloatArray
    sightlines: Sightlines
    spacing: Callable[[FloatArray], FloatArray] = np.log

    def reddening(self, glon_deg: ArrayLike, glat_deg: ArrayLike, distance_kpc: ArrayLike) -> FloatArray:
        """Implement :meth:`DustMap.reddening`; NaN where the distance is NaN or negative."""
        glon, glat, distance = np.broadcast_arrays(*(np.asarray(v, float) for v in (glon_deg, glat_deg, distance_kpc)))
        known, _ = self.sightlines(glon.ravel(), glat.ravel())
        lower, fraction, near = self._place(distance.ravel())
        rows = np.arange(len(known))
        before, after = known[rows, lower], known[rows, lower + 1]
        return np.asarray((before + fraction * (after - before)) * near).reshape(distance.shape)

    def reddening_profile(self, glon_deg: ArrayLike, glat_deg: ArrayLike, distance_kpc: ArrayLike) -> FloatArray:
        """See :meth:`~pipeline.science.space.dust.DustMap.reddening_profile`."""
        known, _ = self.sightlines(
            np.atleast_1d(np.asarray(glon_deg, float)), np.atleast_1d(np.asarray(glat_deg, float))
        )
        lower, fraction, near = self._place(np.atleast_1d(np.asarray(distance_kpc, float)))
        before = known[:, lower]
        return np.asarray((before + fraction * (known[:, lower + 1] - before)) * near)

    def reach_kpc(self, glon_deg: ArrayLike, glat_deg: ArrayLike) -> FloatArray:
        """Reliable distance along each sightline in kpc, shape (n,); NaN outside the map."""
        return self.sightlines(np.atleast_1d(np.asarray(glon_deg, float)), np.atleast_1d(np.asarray(glat_deg, float)))[
            1
        ]

    def _place(self, distance: FloatArray) -> tuple[NDArray[np.intp], FloatArray, FloatArray]:
        """Node below each distance, fraction to the next, and factor nearer than the first node."""
        first, last = self.nodes_kpc[0], self.nodes_kpc[-1]
        inside = np.clip(np.nan_to_num(distance), first, last)
        place = np.interp(self.spacing(inside), self.spacing(self.nodes_kpc), np.arange(self.nodes_kpc.size))
        lower = np.minimum(place.astype(np.intp), self.nodes_kpc.size - 2)
        near = np.where(distance >= 0.0, np.minimum(distance / first, 1.0), np.nan)
        return lower, place - lower, near


@dataclass(frozen=True)
class _Kind:
    """A dust map: caption, published files, coefficients, and function that opens it."""

    caption: str
    files: tuple[str, ...]
    coefficients: Mapping[str, float]
    opened: Callable[[Path], tuple[FloatArray, Sightlines]]
    spacing: Callable[[FloatArray], FloatArray] = np.log


def open_dust_map(choice: str, where: Path) -> GriddedMap:
    """Open a real dust map.

    Parameters
    ----------
    choice : str
        One of :data:`DUST_MAPS`.
    where : Path
        The map's file, or the folder that holds it under its published name.

    Raises
    ------
    DustMapError
        If there is no such map, its file or its library is missing, or the file has another format.
    """
    if choice not in DUST_MAPS:
        near = get_close_matches(choice, DUST_MAPS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(DUST_MAPS)}."
        raise DustMapError(f"There is no dust map {choice!r}. {hint}")
    kind = DUST_MAPS[choice]
    paths = _files(choice, kind, where)
    try:
        # both libraries print what they load, and dustmaps warns of a configuration file that is not needed here
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nodes, sightlines = kind.opened(paths[0])
    except ModuleNotFoundError as error:
        raise DustMapError(
            f"The dust map {choice!r} needs {str(error.name).partition('.')[0]}, which is not installed: "
            "pip install -c constraints.txt -e '.[dust]'."
        ) from error
    except (OSError, KeyError, ValueError) as error:
        raise DustMapError(
            f"{paths[0]} cannot be read as the dust map {choice!r} ({error}). Delete it and run "
            f"python -m pipeline fetch dust --map {choice}."
        ) from error
    return GriddedMap(kind.caption, kind.coefficients, paths, nodes, sightlines, kind.spacing)


def _files(choice: str, kind: _Kind, where: Path) -> tuple[Path, ...]:
    """Paths of the files of a map, all of which exist."""
    folder = where.parent if where.name in kind.files else where
    paths = tuple(folder / name for name in kind.files) or (where,)
    for path in paths:
        if not path.is_file():
            remedy = f"Run python -m pipeline fetch dust --map {choice}, or set" if kind.files else "Set"
            raise DustMapError(f"The dust map {choice!r} needs {path}, which is missing. {remedy} distance.dust_file.")
    return paths


def _bayestar(path: Path) -> tuple[FloatArray, Sightlines]:
    """Best fits of a Bayestar map; its larger samples stay on disk."""
    query = importlib.import_module("dustmaps.bayestar").BayestarQuery(str(path), max_samples=0)

    def sightlines(glon: FloatArray, glat: FloatArray) -> tuple[FloatArray, FloatArray]:
        best, flags = query(_coordinates(glon, glat), mode="best", return_flags=True)
        return np.asarray(best, float), 10.0 ** (0.2 * flags["max_reliable_distmod"].astype(float) - 2.0)

    return query.distances.to_value("kpc"), sightlines


def _chen(path: Path) -> tuple[FloatArray, Sightlines]:
    """The anticentre map, converted once to HDF5 for dustmaps."""
    chen = importlib.import_module("dustmaps.chen2014")
    converted = path.with_suffix(".h5")
    if not converted.is_file():
        draft = path.with_suffix(".part")
        chen.ascii2h5(str(path), str(draft))
        draft.replace(converted)
    query = chen.Chen2014Query(str(converted))
    nodes = query.distances.to_value("kpc").astype(float)[1:]  # the first node is the Sun, where there is no dust

    def sightlines(glon: FloatArray, glat: FloatArray) -> tuple[FloatArray, FloatArray]:
        result = np.asarray(query(_coordinates(glon, glat)), float)[:, 1:]
        return result, np.where(np.isfinite(result[:, -1]), nodes[-1], np.nan)

    return nodes, sightlines


def _sfd(path: Path) -> tuple[FloatArray, Sightlines]:
    """Total dust of the sightline from 1 pc on, as the map has no distances."""
    query = importlib.import_module("dustmaps.sfd").SFDQuery(str(path.parent))

    def sightlines(glon: FloatArray, glat: FloatArray) -> tuple[FloatArray, FloatArray]:
        column = np.asarray(query(_coordinates(glon, glat)), float)
        return np.stack([column, column], axis=1), np.full(column.shape, np.inf)

    return np.array([0.001, 0.002]), sightlines


def _mwdust(name: str, folder: str) -> Callable[[Path], tuple[FloatArray, Sightlines]]:
    """Opener of a map of mwdust.

    Its public call interpolates point by point in Python (3 ms a sightline at the real number of pixels; this takes
    0.3) and extrapolates beyond the first and last node. So its pixel search and its table are used, and nodes are
    joined here as for every map.
    """

    def opened(path: Path) -> tuple[FloatArray, Sightlines]:
        os.environ.setdefault("DUST_DIR", str(path.parent))  # else the import makes a folder in the user's home
        module = importlib.import_module(f"mwdust.{name}")
        setattr(module, folder, str(path.parent))  # fixed when it was imported
        never_downloads = type(name, (getattr(module, name),), {"download": classmethod(lambda _cls: None)})
        tree = never_downloads()

        def sightlines(glon: FloatArray, glat: FloatArray) -> tuple[FloatArray, FloatArray]:
            row = tree._lbIndx(glon, glat)  # noqa: SLF001 - see above; the tests hold it against the public call
            result = np.asarray(tree._best_fit[row], float)  # noqa: SLF001
            result[row < 0] = np.nan
            return result, np.where(row < 0, np.nan, nodes[-1])

        nodes = 10.0 ** (0.2 * tree._distmods - 2.0)  # noqa: SLF001
        return nodes, sightlines

    return opened


def _coordinates(glon: FloatArray, glat: FloatArray) -> SkyCoord:
    return SkyCoord(glon, glat, unit="deg", frame="galactic")


def _single_sightlines(path: Path) -> tuple[FloatArray, Sightlines]:
    """Best fits of single sightlines, each for the nearest stars."""
    known = read_sightlines(path)
    nodes = 10.0 ** (0.2 * known[0].modulus - 2.0)
    best = np.array([item.best for item in known])
    reach = np.array([10.0 ** (0.2 * item.reliable_modulus[1] - 2.0) for item in known])
    centres = _coordinates(np.array([item.glon_deg for item in known]), np.array([item.glat_deg for item in known]))

    def sightlines(glon: FloatArray, glat: FloatArray) -> tuple[FloatArray, FloatArray]:
        nearest, separation, _ = _coordinates(glon, glat).match_to_catalog_sky(centres)
        inside = separation.deg < SIGHTLINE_RADIUS_DEG
        return np.where(inside[:, None], best[nearest], np.nan), np.where(inside, reach[nearest], np.nan)

    return nodes, sightlines


_CHEN_TABLE = "chen2014map.dat"
DUST_MAPS: Mapping[str, _Kind] = MappingProxyType(
    {
        "bayestar2019": _Kind(
            "Bayestar2019 (Green et al. 2019), best fit", ("bayestar2019.h5",), GREEN_2019, _bayestar
        ),
        "bayestar2017": _Kind(
            "Bayestar2017 (Green et al. 2018), best fit", ("bayestar2017.h5",), GREEN_2018, _bayestar
        ),
        "bayestar2015": _Kind(
            "Bayestar2015 (Green et al. 2015), best fit", ("bayestar2015.h5",), SCHLAFLY_2011, _bayestar
        ),
        "chen2014": _Kind(
            "Chen et al. (2014), Galactic anticentre to 4.35 kpc", (_CHEN_TABLE,), PER_A_R, _chen, np.positive
        ),
        "sfd": _Kind(
            "SFD (Schlegel et al. 1998), two-dimensional: all dust of the sightline, an upper limit for every star",
            ("SFD_dust_4096_ngp.fits", "SFD_dust_4096_sgp.fits"),
            SCHLAFLY_2011,
            _sfd,
        ),
        # its makers put Marshall et al., Green et al. and Drimmel et al. on one scale and read it as SFD's
        "combined19": _Kind(
            "Combined19 (mwdust: Marshall et al. 2006, Green et al. 2019, Drimmel et al. 2003)",
            ("combine19.h5",),
            SCHLAFLY_2011,
            _mwdust("Combined19", "_combineddir"),
        ),
        "green19": _Kind(
            "Bayestar2019 (Green et al. 2019), best fit, through mwdust",
            ("bayestar2019.h5",),
            GREEN_2019,
            _mwdust("Green19", "_greendir"),
        ),
        "sightlines": _Kind(
            "single sightlines of Bayestar2015 (Green et al. 2015), best fit", (), SCHLAFLY_2011, _single_sightlines
        ),
    }
)
"""Valid values of ``distance.dust`` besides the analytic disc."""
