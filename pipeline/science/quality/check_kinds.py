"""The physics checks: what each compares, its expected and possible range, and how a value is judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.checks import Check, Verdict
from pipeline.domain.statistics import robust_scatter

FloatArray = NDArray[np.float64]

MIN_STARS = 50
"""A check needs so many stars."""

_UNLIKELY_SIGMA, _IMPOSSIBLE_SIGMA = 3.0, 5.0


@dataclass(frozen=True)
class CheckKind:
    """A check's name, unit, expected and possible range, and what is wrong outside them."""

    name: str
    unit: str
    expected: tuple[float, float]
    possible: tuple[float, float]
    fault: str

    def judged(self, value: float, error: float, stars: int) -> Check:
        """Compare a value with the ranges."""
        verdict = Verdict.EXPECTED
        for ranges, sigma, worse in (
            (self.expected, _UNLIKELY_SIGMA, Verdict.UNLIKELY),
            (self.possible, _IMPOSSIBLE_SIGMA, Verdict.IMPOSSIBLE),
        ):
            if not ranges[0] - sigma * error <= value <= ranges[1] + sigma * error:
                verdict = worse
        sentence = "Agrees within its error." if verdict == Verdict.EXPECTED else self.fault
        return Check(self.name, float(value), float(error), self.unit, *self.expected, stars, verdict, sentence)

    def untested(self, stars: int, lacking: str) -> Check:
        """Check without a verdict: too few stars to compare."""
        sentence = f"Needs {MIN_STARS} {lacking}."
        return Check(self.name, None, None, self.unit, *self.expected, stars, Verdict.TOO_FEW, sentence)


V_R = CheckKind(
    *("median V_R of disc stars", "km/s", (-15.0, 15.0), (-40.0, 40.0)),
    "The disc as a whole neither expands nor shrinks: proper motions, distances or velocities are wrong.",
)
V_Z = CheckKind(
    *("median V_Z of disc stars", "km/s", (-10.0, 10.0), (-30.0, 30.0)),
    "The disc as a whole neither rises nor sinks: proper motions, distances or velocities are wrong.",
)
V_PHI = CheckKind(
    *("median V_phi of disc stars over the circular velocity", "", (0.75, 1.1), (0.4, 1.4)),
    "The disc rotates at about the circular velocity: proper motions, distances, velocities or the frame are wrong.",
)
V_PHI_SLOPE = CheckKind(
    *("slope of V_phi with radius in the disc", "km/s/kpc", (-12.0, 12.0), (-40.0, 40.0)),
    "The rotation curve is flat: an error that grows with distance is in the proper motions or the distances.",
)
SPEED = CheckKind(
    *("share of stars faster than 600 km/s", "", (0.0, 0.02), (0.0, 0.15)),
    "Stars so fast leave the Galaxy: proper motions, distances or velocities are wrong.",
)
REFLEX = CheckKind(
    *("Sun's motion in the proper motions over its known motion", "", (0.8, 1.2), (0.5, 1.5)),
    "The Sun's own motion must show in the proper motions at each star's place and distance: pmra, pmdec or the "
    "distances are not what their names say.",
)
RV_REFLEX = CheckKind(
    *("Sun's motion in the radial velocities over its known motion", "", (0.6, 1.4), (0.3, 1.7)),
    "The Sun's own motion must show in heliocentric radial velocities: their sign, unit or frame, or the distances, "
    "are wrong.",
)
MOTION_SPREAD = CheckKind(
    *("relative spread of the total proper motion", "", (0.2, 3.0), (0.1, 30.0)),
    "Total proper motions are nearly the same for stars all over the sky: pmra and pmdec are another quantity.",
)
MOTION_DISTANCE = CheckKind(
    *("rank correlation of total proper motion with distance", "", (-1.0, 0.2), (-1.0, 0.5)),
    "Near stars must move faster across the sky than far ones: pmra and pmdec, or the distances, are another quantity.",
)
PARALLAX = CheckKind(
    *("median of parallax times distance", "", (0.8, 1.25), (0.5, 2.0)),
    "Distances and parallaxes disagree: one of the two has a wrong unit, or other stars were matched.",
)
COLOUR = CheckKind(
    *("median (J - Ks)0 less that of giants of the same Teff", "mag", (-0.08, 0.08), (-0.3, 0.3)),
    "Colours and temperatures disagree: one of J, Ks, the extinction or Teff is wrong.",
)
COLOUR_ORDER = CheckKind(
    *("rank correlation of (J - Ks)0 with Teff", "", (-1.0, -0.3), (-1.0, 0.2)),
    "Redder giants must be cooler: colours or temperatures belong to other stars.",
)
GRAVITY = CheckKind(
    *("median log g less that of M_K and Teff", "dex", (-0.3, 0.3), (-1.0, 1.0)),
    "Surface gravities and absolute magnitudes disagree: log g, Ks or the distances are wrong.",
)
STREAM = CheckKind(
    *("halo stars near the stream model's velocity over those by chance", "", (1.0, 50.0), (0.6, 500.0)),
    "Fewer stars follow the model of the Sagittarius stream than by chance: a sign or a frame is wrong.",
)


def median_error(values: FloatArray) -> tuple[float, float]:
    """Median and its standard error."""
    return float(np.median(values)), 1.2533 * robust_scatter(values) / np.sqrt(values.size)


def median_check(kind: CheckKind, values: FloatArray, lacking: str) -> Check:
    """Judge the median of the finite values, shape (n,); ``lacking`` names the stars that are too few."""
    known = values[np.isfinite(values)]
    return (
        kind.judged(*median_error(known), known.size) if known.size >= MIN_STARS else kind.untested(known.size, lacking)
    )
