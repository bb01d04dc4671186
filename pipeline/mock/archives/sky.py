"""Stars of the archives that are not in the survey, and each survey star's position at an archive's epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.mock.published import ALLWISE_EPOCH, LAMOST_EPOCH, j_name, tmass_name
from pipeline.mock.survey import FIRST_GAIA_ID, MockSurvey

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FIELD_GAIA_ID = FIRST_GAIA_ID + 10_000_000_000
"""Gaia identifier of the first field star."""

CATALOGUE_ERROR_ARCSEC = 0.05
"""Error of 2MASS, AllWISE and APOGEE positions a coordinate."""

NEIGHBOUR_SHARE = 0.03
NEIGHBOUR_ARCSEC = (1.9, 4.0)
"""Share of the survey stars that get a fainter neighbour, and how near: the nearest entry is always the right one."""

FAST_ARCSEC = 0.6
"""A survey star that moved so far until AllWISE's epoch gets a background source where it was in J2000."""

_CLEAR_ARCSEC = 10.0
_SKY_LIMITS_DEG = (-10.0, 65.0)


@dataclass(frozen=True)
class SurveyStars:
    """Each star of the survey once.

    Parameters
    ----------
    row : ndarray of int, shape (n,)
        A row of the survey's table that holds it.
    member : ndarray of int, shape (n_observations,)
        Place among the stars of each observation.
    ra, dec : ndarray, shape (n,)
        Published J2000 position, deg.
    pmra, pmdec : ndarray, shape (n,)
        True proper motion, mas/yr.
    """

    row: IntArray
    member: IntArray
    ra: FloatArray
    dec: FloatArray
    pmra: FloatArray
    pmdec: FloatArray

    @classmethod
    def of(cls, survey: MockSurvey) -> SurveyStars:
        """The stars in the order of their number."""
        _, row, member = np.unique(survey.truth["true_star"].to_numpy(), return_index=True, return_inverse=True)
        ra, dec = (survey.table[name].to_numpy(float)[row] for name in ("ra", "dec"))
        return cls(row, member.reshape(-1), ra, dec, survey.stars.pmra[row], survey.stars.pmdec[row])

    def at(self, epoch: float) -> tuple[FloatArray, FloatArray]:
        """Position at a Julian year, deg."""
        return moved(self.ra, self.dec, self.pmra, self.pmdec, epoch - LAMOST_EPOCH)


def moved(
    ra: FloatArray, dec: FloatArray, pmra: FloatArray, pmdec: FloatArray, years: float
) -> tuple[FloatArray, FloatArray]:
    """Position [deg] after years of proper motion [mas/yr, pmra times cos(dec)], linear."""
    return (ra + pmra * years / 3.6e6 / np.cos(np.radians(dec))) % 360.0, dec + pmdec * years / 3.6e6


def jittered(
    place: tuple[FloatArray, FloatArray], rng: np.random.Generator, error_arcsec: float = CATALOGUE_ERROR_ARCSEC
) -> tuple[FloatArray, FloatArray]:
    """Position with a measuring error a coordinate."""
    shift = error_arcsec / 3600.0 * rng.standard_normal((2, len(place[0])))
    return (place[0] + shift[0] / np.cos(np.radians(place[1]))) % 360.0, place[1] + shift[1]


@dataclass(frozen=True)
class FieldStars:
    """Stars that archives hold and the survey does not; arrays of shape (m,).

    Parameters
    ----------
    ra, dec : ndarray
        J2000 position, deg.
    pmra, pmdec, parallax : ndarray
        mas/yr and mas.
    g_mag, bp_rp, j_mag, h_mag, k_mag, w1_mag, w2_mag : ndarray
        Magnitudes.
    gaia_source_id : ndarray of int
        Identifier.
    infrared_only : ndarray of bool
        Background sources that only AllWISE sees.
    """

    ra: FloatArray
    dec: FloatArray
    pmra: FloatArray
    pmdec: FloatArray
    parallax: FloatArray
    g_mag: FloatArray
    bp_rp: FloatArray
    j_mag: FloatArray
    h_mag: FloatArray
    k_mag: FloatArray
    w1_mag: FloatArray
    w2_mag: FloatArray
    gaia_source_id: IntArray
    infrared_only: NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of stars."""
        return int(self.ra.size)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> FieldStars:
        """Some of the stars."""
        return FieldStars(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def at(self, epoch: float) -> tuple[FloatArray, FloatArray]:
        """Position at a Julian year, deg."""
        return moved(self.ra, self.dec, self.pmra, self.pmdec, epoch - LAMOST_EPOCH)

    @property
    def tmass_id(self) -> NDArray[np.str_]:
        """2MASS designations."""
        return np.array([tmass_name(*place) for place in zip(self.ra, self.dec, strict=True)])

    @property
    def allwise_id(self) -> NDArray[np.str_]:
        """AllWISE designations, of the position at AllWISE's epoch."""
        return np.array([j_name(*place) for place in zip(*self.at(ALLWISE_EPOCH), strict=True)])


def draw_field(survey: MockSurvey, stars: SurveyStars, number: int, rng: np.random.Generator) -> FieldStars:
    """Draw field stars over the survey's sky, neighbours of survey stars, and background sources.

    Parameters
    ----------
    survey : MockSurvey
        The survey.
    stars : SurveyStars
        Its stars.
    number : int
        Field stars over the whole sky of the survey; neighbours and background sources come on top.
    rng : Generator
        Randomness.

    Returns
    -------
    FieldStars
        Neighbours are of slow stars that 2MASS, Gaia and AllWISE all hold, so that they are never the nearest entry.
    """
    south, north = (float(np.sin(np.radians(limit))) for limit in _SKY_LIMITS_DEG)
    ra, dec = rng.uniform(0.0, 360.0, number), np.degrees(np.arcsin(rng.uniform(south, north, number)))
    clear = nearest_arcsec(ra, dec, stars.ra, stars.dec) > _CLEAR_ARCSEC
    ra, dec = ra[clear], dec[clear]
    table = survey.table.iloc[stars.row]
    held = ((table["tmass_id"] != "") & (table["allwise_id"] != "") & table["pmra"].notna()).to_numpy()
    speed = np.hypot(stars.pmra, stars.pmdec)
    slow = rng.permutation(np.flatnonzero(held & (speed < 20.0)))[: round(NEIGHBOUR_SHARE * len(stars.row))]
    beside = _beside(stars.ra[slow], stars.dec[slow], rng)
    fast = np.flatnonzero(held & (speed * (ALLWISE_EPOCH - LAMOST_EPOCH) / 1000.0 > FAST_ARCSEC))
    behind = jittered((stars.ra[fast], stars.dec[fast]), rng, 0.1)
    ra, dec = np.concatenate([ra, beside[0], behind[0]]), np.concatenate([dec, beside[1], behind[1]])
    n, near = len(ra), slow.size + fast.size
    still = np.arange(n) >= n - near
    k_mag = rng.uniform(9.0, 14.5, n)
    k_mag[n - near :] = np.nan_to_num(table["k_mag"].to_numpy(float)[np.concatenate([slow, fast])], nan=12.0) + 2.0
    jk = np.where(rng.uniform(size=n) < 0.3, rng.normal(0.95, 0.12, n), rng.normal(0.5, 0.15, n))
    w1 = k_mag - 0.07 + 0.03 * rng.standard_normal(n)
    distance = np.exp(rng.normal(np.log(1.5), 0.7, n))
    motion = np.where(still, 0.0, 30.0 / 4.74 / distance) * rng.standard_normal((2, n))
    return FieldStars(
        ra=ra,
        dec=dec,
        pmra=motion[0],
        pmdec=motion[1],
        parallax=np.where(still, 0.05, 1.0 / distance),
        g_mag=k_mag + 0.6 + 2.4 * jk,
        bp_rp=0.3 + 1.6 * jk,
        j_mag=k_mag + jk,
        h_mag=k_mag + 0.2 * jk,
        k_mag=k_mag,
        w1_mag=w1,
        w2_mag=w1 + 0.03 * rng.standard_normal(n),
        gaia_source_id=FIELD_GAIA_ID + np.arange(n),
        infrared_only=np.arange(n) >= n - fast.size,
    )


def _beside(ra: FloatArray, dec: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Places a few arcseconds away in any direction."""
    radius = rng.uniform(*NEIGHBOUR_ARCSEC, ra.size) / 3600.0
    angle = rng.uniform(0.0, 2.0 * np.pi, ra.size)
    return (ra + radius * np.cos(angle) / np.cos(np.radians(dec))) % 360.0, dec + radius * np.sin(angle)


def nearest_arcsec(ra: FloatArray, dec: FloatArray, other_ra: FloatArray, other_dec: FloatArray) -> FloatArray:
    """Separation from the nearest of some other places, arcsec."""
    from scipy.spatial import cKDTree  # noqa: PLC0415 - only here

    def vectors(lon: FloatArray, lat: FloatArray) -> FloatArray:
        lon, lat = np.radians(lon), np.radians(lat)
        return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)

    chord = cKDTree(vectors(other_ra, other_dec)).query(vectors(ra, dec))[0]
    return np.asarray(np.degrees(2.0 * np.arcsin(np.clip(chord / 2.0, 0.0, 1.0))) * 3600.0)
