"""Simulated problems that vetting can find, each of which the truth lists.

Two lights in a fibre, a false sky, a broken join and emission act on the spectrum through the same simulator as all
others; swapped fibres and mislabelled training stars act on the table. Dwarfs and carbon stars among the giants are
drawn with the stars (:mod:`pipeline.mock.contaminants`) and named here. Shares are far above nature's: a survey of a
few thousand stars must hold enough of each kind to measure how well it is found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.mock.instrument import Conditions
from pipeline.mock.spectra import Light

FloatArray = NDArray[np.float64]

SPECTRAL_SHARES = {
    "double-lined": 0.006,
    "blend": 0.006,
    "emission": 0.006,
    "wrong sky": 0.005,
    "mis-joined arms": 0.005,
    "swapped fibres": 0.006,
}
"""Fraction of each kind among all observations."""

MISLABELLED_SHARE = 0.03
"""Fraction of the stars with reference labels whose labels are those of another star."""

CONTAMINANT_ODDITIES = {"M dwarf": "dwarf", "carbon star": "carbon star", "galaxy": "galaxy"}
"""Kinds of objects that no model of M giants describes, with their vetting flags."""

ODDITIES = (*SPECTRAL_SHARES, "mislabelled", *CONTAMINANT_ODDITIES.values())
"""All kinds of oddities."""

SKY_MATTERS_SNR = 150.0
"""S/N below which a wrong sky is simulated, as it has no effect on bright stars."""

_FAR_TEFF_K, _FAR_M_H = 80.0, 0.25
"""A mislabelled star's labels are off by at least one of these."""


@dataclass(frozen=True)
class Planted:
    """Oddities of observations, arrays of shape (n,).

    Parameters
    ----------
    kind : ndarray of str
        One of :data:`ODDITIES`, "" for an ordinary observation.
    size : ndarray
        How much: share of the second star's light; equivalent width of H alpha [Angstrom]; part of the sky; blue over
        red arm; NaN where a kind has no size.
    velocity : ndarray
        Velocity of the second star minus the first's, km/s; NaN without.
    partner : ndarray of int
        Row whose spectrum (swapped fibres) or labels (mislabelled) stand here, -1 without.
    """

    kind: NDArray[np.str_]
    size: FloatArray
    velocity: FloatArray
    partner: NDArray[np.int64]

    def reordered(self, order: NDArray[np.intp]) -> Planted:
        """The oddities in the order ``order`` of rows, with updated partners."""
        place = np.argsort(order)
        partner = np.where(self.partner < 0, -1, place[self.partner])[order]
        return Planted(self.kind[order], self.size[order], self.velocity[order], partner)


def choose(
    star_kind: NDArray[np.str_],
    plan_id: NDArray[np.str_],
    labels: FloatArray,
    reference: NDArray[np.bool_],
    star: NDArray[np.intp],
    snr: FloatArray,
    rng: np.random.Generator,
) -> Planted:
    """Draw the odd observations, with kind and strength; at most one oddity each.

    Parameters
    ----------
    star_kind : ndarray of str, shape (n,)
        Kind of star.
    plan_id : ndarray of str, shape (n,)
        Plate: fibres are swapped within one.
    labels : ndarray, shape (n, 4)
        True labels.
    reference : ndarray of bool, shape (n,)
        Whether the star has reference labels.
    star : ndarray of int, shape (n,)
        Number of the star: labels are the same for all its observations.
    snr : ndarray, shape (n,)
        Median S/N a pixel over 8000-8950 Angstrom.
    rng : Generator
        Randomness.
    """
    n = len(star)
    planted = Planted(
        np.full(n, "", dtype="U16"), np.full(n, np.nan), np.full(n, np.nan), np.full(n, -1, dtype=np.int64)
    )
    for kind, name in CONTAMINANT_ODDITIES.items():
        planted.kind[star_kind == kind] = name
    _mislabel(planted, star_kind, labels, reference, star, rng)
    _swap(planted, star_kind, plan_id, round(SPECTRAL_SHARES["swapped fibres"] * n / 2), rng)
    for kind, share in SPECTRAL_SHARES.items():
        if kind == "swapped fibres":
            continue
        free = (planted.kind == "") & (star_kind == "M giant")
        free &= (kind != "wrong sky") | (snr < SKY_MATTERS_SNR)
        rows = rng.permutation(np.flatnonzero(free))[: round(share * n)]
        planted.kind[rows] = kind
        planted.size[rows], planted.velocity[rows] = _sizes(kind, rows.size, rng)
    return planted


def _mislabel(
    planted: Planted,
    star_kind: NDArray[np.str_],
    labels: FloatArray,
    reference: NDArray[np.bool_],
    star: NDArray[np.intp],
    rng: np.random.Generator,
) -> None:
    """Assign the reference labels of a different star to all observations of some stars."""
    rows = np.flatnonzero(reference & (star_kind == "M giant"))
    first = rows[np.unique(star[rows], return_index=True)[1]]
    chosen = rng.permutation(first)[: round(MISLABELLED_SHARE * first.size)]
    for row in chosen:
        far = np.abs(labels[first, 0] - labels[row, 0]) > _FAR_TEFF_K
        far |= np.abs(labels[first, 2] - labels[row, 2]) > _FAR_M_H
        if far.any():
            same = star == star[row]
            planted.partner[same] = rng.choice(first[far])
            planted.kind[same] = "mislabelled"


def _swap(
    planted: Planted, star_kind: NDArray[np.str_], plan_id: NDArray[np.str_], pairs: int, rng: np.random.Generator
) -> None:
    """Exchange the spectra of up to ``pairs`` pairs of observations on one plate."""
    free = rng.permutation(np.flatnonzero((planted.kind == "") & (star_kind == "M giant")))
    by_plate = free[np.argsort(plan_id[free], kind="stable")]
    left, right = by_plate[:-1:2], by_plate[1::2]
    mates = np.flatnonzero(plan_id[left] == plan_id[right])
    for place in rng.permutation(mates)[:pairs]:
        item, other = left[place], right[place]
        planted.kind[[item, other]] = "swapped fibres"
        planted.partner[item], planted.partner[other] = other, item


def _sizes(kind: str, n: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Strength of an oddity and the second star's velocity.

    Bound giants never differ by more than some 70 km/s (circular orbits just outside the star), which R = 1800 does not
    split; a double-lined spectrum here is a chance pair.
    """
    sign = rng.choice([-1.0, 1.0], n)
    none = np.full(n, np.nan)
    if kind == "double-lined":
        return rng.uniform(0.25, 0.5, n), sign * rng.uniform(80.0, 300.0, n)
    if kind == "blend":
        return rng.uniform(0.15, 0.5, n), 60.0 * rng.standard_normal(n)
    if kind == "emission":
        return np.exp(rng.uniform(np.log(1.5), np.log(8.0), n)), none
    if kind == "wrong sky":
        return sign * rng.uniform(0.15, 0.6, n), none
    return np.exp(sign * rng.uniform(0.15, 0.5, n)), none


def apply(
    planted: Planted, light: Light, conditions: Conditions, rng: np.random.Generator
) -> tuple[Light, Light, Conditions]:
    """Light of each fibre, that of the second star in it, and conditions, with all oddities.

    The second star of a double-lined spectrum has the labels of another observation; that of a blend is a dwarf or
    subgiant of type F to K.
    """
    n = len(light)
    spectrum = np.where(planted.kind == "swapped fibres", planted.partner, np.arange(n))
    own = light.rv_kms
    light = replace(
        light[spectrum], emission=np.where(planted.kind == "emission", planted.size, 0.0), rv_kms=own[spectrum]
    )
    double, blend = planted.kind == "double-lined", planted.kind == "blend"
    labels = light.labels[rng.permutation(n)]
    foreground = np.stack(
        [rng.uniform(4800.0, 7000.0, n), rng.uniform(3.8, 4.6, n), rng.normal(-0.1, 0.2, n), np.zeros(n)], axis=1
    )
    labels = np.where(blend[:, None], foreground, labels)
    second = Light.of(labels, light.rv_kms + np.nan_to_num(planted.velocity))
    second = replace(second, blue_kms=light.blue_kms)
    conditions = replace(
        conditions,
        **{name: getattr(conditions, name)[spectrum] for name in ("snr", "ebv", "scale")},
        share=np.where(double | blend, planted.size, 0.0),
        sky_error=np.where(planted.kind == "wrong sky", planted.size, 0.0),
        arm_ratio=np.where(planted.kind == "mis-joined arms", planted.size, 1.0),
    )
    return light, second, conditions
