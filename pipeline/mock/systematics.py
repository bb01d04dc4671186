"""Errors of groups of observations: sky residuals, wavelength offsets, wrong header velocities.

Figures are those of real files: a LAMOST plate of 2011 whose median residual, at rest in the observed frame, holds 5 to
10 per cent of the flux over 8250-8460 and 8750-8950 Angstrom; one of its spectrographs with ten stars whose red arm is
off by 71 to 99 km/s while blue arm and header agree; M stars of DR1 whose header redshift is another star's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.mock.plates import SPECTROGRAPHS, Visits

FloatArray = NDArray[np.float64]

RED_SKY_SHARE, RED_SKY_SIZE = 0.10, (0.05, 0.10)
"""Fraction of the plates with sky residuals in the red arm, and their size.

The size is the rms over two windows, relative to the flux of a typical star.
"""

ARM_SCATTER_KMS = 2.5
"""Scatter of the spectrographs' red arms about their blue arms."""

WAVELENGTH_KMS = (2.0, 1.6)
"""Scatter of velocities by plate and spectrograph, and by fibre.

Repeats of real stars differ by 2.9 km/s over the root of two (53 stars of the pilot survey), of which noise is a small
part.
"""

BROKEN_SHARE, BROKEN_KMS, SEASON_NIGHTS = 0.03, (40.0, 100.0), 120
"""Fraction of the seasons with a wrong red arm, its error and a season's length.

A season is of one spectrograph, whose red arm has a wrong wavelength calibration.
"""

WRONG_HEADER_SHARE = 0.02
"""Fraction of the observations with the velocity of another object in the header."""

_WRONG_HEADER_KMS = (60.0, 1200.0)
_FAINTEST, _BRIGHTEST = 0.2, 3.0


@dataclass(frozen=True)
class Systematics:
    """Systematic errors of observations, arrays of shape (n,).

    Parameters
    ----------
    red_sky : ndarray
        Sky left in the red arm, rms over its two windows relative to the star's flux; below 0 for too little sky.
    wavelength_kms : ndarray
        Velocity error of both arms.
    arm_kms : ndarray
        Velocity error of the spectrograph's red arm over that of its blue one.
    broken_kms : ndarray
        The large error of a season on top of it, 0 in others.
    wrong_header : ndarray of bool
        Whether the header's velocity is of something else.
    header_error_kms : ndarray
        What that adds to it, 0 elsewhere.
    """

    red_sky: FloatArray
    wavelength_kms: FloatArray
    arm_kms: FloatArray
    broken_kms: FloatArray
    wrong_header: NDArray[np.bool_]
    header_error_kms: FloatArray

    @property
    def red_arm_kms(self) -> FloatArray:
        """Total velocity offset of the red arm from the blue one."""
        return self.arm_kms + self.broken_kms

    def __getitem__(self, rows: NDArray[np.intp]) -> Systematics:
        """Some of the observations."""
        return Systematics(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def draw_systematics(
    visits: Visits, g_mag: FloatArray, giant: NDArray[np.bool_], rng: np.random.Generator
) -> Systematics:
    """Draw systematic errors by plate, by spectrograph and season, and by observation.

    Parameters
    ----------
    visits : Visits
        The observations.
    g_mag : ndarray, shape (n,)
        Magnitude of what was observed: the sky that a plate keeps is less of a brighter star.
    giant : ndarray of bool, shape (n,)
        Whether a wrong header may be drawn.
    rng : Generator
        Randomness.
    """
    n = len(visits)
    plate, member = np.unique(visits.plan_id, return_inverse=True)
    kept = rng.uniform(size=plate.size) < RED_SKY_SHARE
    size = kept * rng.uniform(*RED_SKY_SIZE, plate.size) * rng.choice([-1.0, 1.0], plate.size)
    middle = np.array([np.median(g_mag[member == number]) if kept[number] else 0.0 for number in range(plate.size)])
    fainter = np.clip(10.0 ** (0.4 * (g_mag - middle[member])), _FAINTEST, _BRIGHTEST)
    season = (visits.lmjd - visits.lmjd.min()) // SEASON_NIGHTS
    seasons = int(season.max()) + 1
    own = ARM_SCATTER_KMS * rng.standard_normal(SPECTROGRAPHS)
    wrong = rng.uniform(size=(SPECTROGRAPHS, seasons)) < BROKEN_SHARE
    large = rng.uniform(*BROKEN_KMS, wrong.shape) * rng.choice([-1.0, 1.0], wrong.shape)
    cell = visits.spectrograph_id - 1, season
    broken = np.where(wrong[cell], large[cell], 0.0)
    group = np.unique(member * SPECTROGRAPHS + visits.spectrograph_id, return_inverse=True)[1]
    wavelength = WAVELENGTH_KMS[0] * rng.standard_normal(group.max() + 1)[group] + WAVELENGTH_KMS[
        1
    ] * rng.standard_normal(n)
    wrong_header = giant & (rng.uniform(size=n) < WRONG_HEADER_SHARE)
    low, high = np.log(_WRONG_HEADER_KMS)
    off = np.exp(rng.uniform(low, high, n)) * rng.choice([-1.0, 1.0], n)
    return Systematics(
        red_sky=size[member] * fainter,
        wavelength_kms=wavelength,
        arm_kms=own[visits.spectrograph_id - 1],
        broken_kms=broken,
        wrong_header=wrong_header,
        header_error_kms=np.where(wrong_header, off, 0.0),
    )
