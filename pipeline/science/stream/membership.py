"""Probability that a star belongs to the Sagittarius stream, term by term.

Two densities are compared at each star: that of the stream, summed over the particles of a model, and that of the
field, summed over the catalogue's own stars next to it on the sky, each counted by how little it looks like the
stream itself. By the chain rule the ratio is a product of contributions of the sky, then the distance, then the
line-of-sight velocity, then the proper motion; the terms are published and their sum is the log odds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import expit, logsumexp

FloatArray = NDArray[np.float64]

MEMBER_THRESHOLD = 0.5
"""A star whose probability is higher counts as a member."""

TERMS = ("sky", "distance", "velocity", "motion")
"""What each term adds, in this order: each is conditional on those before it."""

_BLOCK = 1024
_STRAYING = ("log_distance", "velocity_kms", "motion_masyr")
_ROUNDS = 50
_KPC_MASYR_KMS = 4.740470463533349


@dataclass(frozen=True)
class MembershipSettings:
    """How tolerant the comparison is: widths that make 192 real Sagittarius giants most likely.

    Fitted by halves, each judged on the other: log likelihood a star -10.3 where the widths that suit the model's own
    particles (2.5 deg, 0.15, 20 km/s, 0.3 mas/yr, nothing wide) give -11.8; a tenth are taken for field stars.

    Parameters
    ----------
    lambda_deg, beta_deg : float
        Widths of the kernel about each particle of the model on the sky.
    log_distance, velocity_kms, motion_masyr : float
        The same in ln(distance), line-of-sight velocity and proper motion: how closely the model follows the real
        stream. Each star's errors are added in quadrature.
    wide_share, wide_factor : float
        Share of the stream that strays from the model, and by how many times these three widths: the model lacks the
        Large Magellanic Cloud, and the real trailing arm at 100 kpc is not where its particles are.
    neighbours : int
        Stars next to each on the sky that make its field.
    field_log_distance, field_velocity_kms, field_tangential_kms : float
        Kernel widths about each of them.
    halo_stars : float
        Weight, in stars, of a smooth halo in each star's field, so that it is nowhere empty; M giants of a halo other
        than Sagittarius' are few.
    halo_speed_kms : float
        Velocity dispersion of that halo in each coordinate.
    """

    lambda_deg: float = 5.0
    beta_deg: float = 5.0
    log_distance: float = 0.1
    velocity_kms: float = 20.0
    motion_masyr: float = 0.15
    wide_share: float = 0.2
    wide_factor: float = 6.0
    neighbours: int = 300
    field_log_distance: float = 0.25
    field_velocity_kms: float = 25.0
    field_tangential_kms: float = 30.0
    halo_stars: float = 3.0
    halo_speed_kms: float = 130.0


@dataclass(frozen=True)
class StreamStars:
    """Input of the membership probability, each array of shape (n,); NaN where unknown.

    Parameters
    ----------
    sgr_lambda, sgr_beta : ndarray
        Stream coordinates, degrees.
    distance, log_distance_err : ndarray
        kpc, and the error of its natural logarithm.
    v_gsr, v_gsr_err : ndarray
        Line-of-sight velocity in the Galactic standard of rest and its error, km/s.
    pm_lambda, pm_beta, pm_err : ndarray
        Proper motion along Lambda (times cos B) and B, and the error of either, mas/yr.
    """

    sgr_lambda: FloatArray
    sgr_beta: FloatArray
    distance: FloatArray
    log_distance_err: FloatArray
    v_gsr: FloatArray
    v_gsr_err: FloatArray
    pm_lambda: FloatArray
    pm_beta: FloatArray
    pm_err: FloatArray

    def __len__(self) -> int:
        """Number of stars."""
        return int(self.sgr_lambda.size)

    def take(self, rows: NDArray[np.intp]) -> StreamStars:
        """Some of the stars."""
        return StreamStars(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Membership:
    """Result of :func:`stream_membership`.

    Parameters
    ----------
    probability : ndarray, shape (n,)
        NaN for stars without a distance.
    prior : float
        Share of the stream among the stars; its log odds and the terms sum to the log odds of each star.
    terms : ndarray, shape (n, 4)
        Natural logarithms of stream over field for each of :data:`TERMS`; 0 where the observable is unknown.
    """

    probability: FloatArray
    prior: float
    terms: FloatArray


def stream_membership(stars: StreamStars, particles: StreamStars, settings: MembershipSettings) -> Membership:
    """Compare each star with a stream model and with its own neighbours.

    Parameters
    ----------
    stars : StreamStars
        Of n stars.
    particles : StreamStars
        A model of the stream; an observable that any of them lacks is not used.
    settings : MembershipSettings
        Tolerances.

    Returns
    -------
    Membership
        The prior is found by expectation and maximisation.

    Raises
    ------
    ValueError
        If the model has no particles.
    """
    if len(particles) == 0:
        raise ValueError("The stream model has no particles; give it some or integrate one.")
    n = len(stars)
    placed = np.flatnonzero(np.isfinite(stars.sgr_lambda + stars.sgr_beta + np.log(stars.distance)))
    probability, terms = np.full(n, np.nan), np.full((n, len(TERMS)), np.nan)
    if placed.size == 0:
        return Membership(probability, 0.0, terms)
    known = _without_unmodelled(particles, stars.take(placed))
    stream = _in_blocks(placed.size, lambda rows: _stream_density(known.take(rows), particles, settings))
    if settings.wide_share > 0.0:
        wide = {name: settings.wide_factor * getattr(settings, name) for name in _STRAYING}
        strayed = replace(settings, **wide)
        stream = np.logaddexp(
            np.log1p(-settings.wide_share) + stream,
            np.log(settings.wide_share)
            + _in_blocks(placed.size, lambda rows: _stream_density(known.take(rows), particles, strayed)),
        )
    nearest = _neighbours(known, settings.neighbours)
    # What looks like the stream beside a smooth halo is no part of the field: were it, the field's free form would
    # explain the stream as well as its model does.
    halo = _in_blocks(placed.size, partial(_field_density, known, nearest[:, :0], np.zeros(placed.size), settings))
    outside = 1.0 - expit((stream - halo)[:, -1])
    ratio = stream - _in_blocks(placed.size, partial(_field_density, known, nearest, outside, settings))
    prior, member = 0.5, np.full(placed.size, 0.5)
    for _ in range(_ROUNDS):
        member = expit(np.log(prior / (1.0 - prior)) + ratio[:, -1])
        prior = float(np.clip(member.mean(), 1e-6, 1.0 - 1e-6))
    probability[placed] = member
    terms[placed] = np.diff(ratio, axis=1, prepend=0.0)
    return Membership(probability, prior, terms)


def _without_unmodelled(particles: StreamStars, stars: StreamStars) -> StreamStars:
    """The stars without what the model does not say; errors that are unknown count as none."""
    silent = {
        name: np.full(len(stars), np.nan)
        for name in ("v_gsr", "pm_lambda", "pm_beta")
        if not np.isfinite(getattr(particles, name)).all()
    }
    errors = {name: np.nan_to_num(getattr(stars, name)) for name in ("log_distance_err", "v_gsr_err", "pm_err")}
    return replace(stars, **silent, **errors)


def _in_blocks(number: int, work: Callable[[NDArray[np.intp]], FloatArray]) -> FloatArray:
    rows = np.arange(number)
    return np.concatenate([work(rows[start : start + _BLOCK]) for start in range(0, number, _BLOCK)])


def _neighbours(stars: StreamStars, number: int) -> NDArray[np.intp]:
    """Rows of the stars nearest to each on the sky, without itself, shape (n, k)."""
    lam, beta = np.radians(stars.sgr_lambda), np.radians(stars.sgr_beta)
    places = np.stack([np.cos(beta) * np.cos(lam), np.cos(beta) * np.sin(lam), np.sin(beta)], axis=1)
    k = min(number, len(stars) - 1) + 1
    indices = np.asarray(cKDTree(places).query(places, k=k)[1]).reshape(len(stars), k)
    itself = indices == np.arange(len(stars))[:, None]
    itself[~itself.any(axis=1), -1] = True  # places shared by many stars: drop the farthest
    return np.asarray(indices[~itself].reshape(len(stars), k - 1))


def _normal(difference: FloatArray, width: FloatArray) -> FloatArray:
    """Logarithm of the normal density; 0 where the difference is unknown."""
    value = -0.5 * (difference / width) ** 2 - np.log(width) - 0.5 * np.log(2.0 * np.pi)
    return np.asarray(np.where(np.isfinite(difference), value, 0.0))


def _stream_density(stars: StreamStars, model: StreamStars, settings: MembershipSettings) -> FloatArray:
    """Logarithm of the stream's density of (B | Lambda), then with distance, velocity and motion, shape (n, 4)."""
    apart = (stars.sgr_lambda[:, None] - model.sgr_lambda[None, :] + 180.0) % 360.0 - 180.0
    along = _normal(apart, np.array(settings.lambda_deg))
    total = logsumexp(along, axis=1)  # of Lambda alone: the survey's footprint, not the stream, decides on that
    density = along + _normal(stars.sgr_beta[:, None] - model.sgr_beta[None, :], np.array(settings.beta_deg))
    result = [logsumexp(density, axis=1) - total]
    for step in _steps(stars, model, (settings.log_distance, settings.velocity_kms, settings.motion_masyr)):
        density = density + step
        result.append(logsumexp(density, axis=1) - total)
    return np.stack(result, axis=1)


def _steps(stars: StreamStars, model: StreamStars, widths: tuple[float, float, float]) -> list[FloatArray]:
    """Logarithmic kernels of distance, velocity and motion between stars (rows) and particles (columns)."""
    far = np.log(stars.distance[:, None] / model.distance[None, :])
    distance = _normal(far, np.hypot(widths[0], stars.log_distance_err)[:, None])
    fast = stars.v_gsr[:, None] - model.v_gsr[None, :]
    velocity = _normal(fast, np.hypot(widths[1], stars.v_gsr_err)[:, None])
    width = np.hypot(widths[2], stars.pm_err)[:, None]
    motion = _normal(stars.pm_lambda[:, None] - model.pm_lambda[None, :], width)
    return [distance, velocity, motion + _normal(stars.pm_beta[:, None] - model.pm_beta[None, :], width)]


def _field_density(
    stars: StreamStars,
    neighbours: NDArray[np.intp],
    outside: FloatArray,
    settings: MembershipSettings,
    rows: NDArray[np.intp],
) -> FloatArray:
    """The same of the field: the neighbours, by how little each belongs to the stream, and a smooth halo."""
    nearest = neighbours[rows]
    own, near = stars.take(rows), stars.take(nearest.ravel())
    shape = nearest.shape
    weight = np.log(np.maximum(outside[nearest], 1e-12))
    halo = np.full(rows.size, np.log(settings.halo_stars))
    total = _sum(weight, halo)
    uniform = np.log(0.5 * np.cos(np.radians(own.sgr_beta)) * np.pi / 180.0)
    result = [uniform]
    far = np.log(own.distance[:, None] / near.distance.reshape(shape))
    weight = weight + _normal(far, np.hypot(settings.field_log_distance, own.log_distance_err)[:, None])
    halo = halo - np.log(np.log(100.0))  # even in ln(distance) from 1 to 100 kpc
    result.append(uniform + _sum(weight, halo) - total)
    fast = own.v_gsr[:, None] - near.v_gsr.reshape(shape)
    # A star without a velocity leaves it unspoken; a neighbour without one is as broad as the halo.
    width = np.where(np.isfinite(near.v_gsr.reshape(shape)), settings.field_velocity_kms, settings.halo_speed_kms)
    fast = np.where(np.isfinite(near.v_gsr.reshape(shape)), fast, own.v_gsr[:, None])
    weight = weight + _normal(fast, np.hypot(width, own.v_gsr_err[:, None]))
    halo = halo + _normal(own.v_gsr, np.hypot(settings.halo_speed_kms, own.v_gsr_err))
    result.append(uniform + _sum(weight, halo) - total)
    to_motion = 1.0 / (_KPC_MASYR_KMS * own.distance)
    for component in ("pm_lambda", "pm_beta"):
        mine, theirs = getattr(own, component), getattr(near, component).reshape(shape)
        measured = np.isfinite(theirs)
        width = np.where(measured, settings.field_tangential_kms, settings.halo_speed_kms) * to_motion[:, None]
        difference = np.where(measured, mine[:, None] - theirs, mine[:, None])
        weight = weight + _normal(difference, np.hypot(width, own.pm_err[:, None]))
        halo = halo + _normal(mine, np.hypot(2.0 * settings.halo_speed_kms * to_motion, own.pm_err))
    result.append(uniform + _sum(weight, halo) - total)
    return np.stack(result, axis=1)


def _sum(weight: FloatArray, halo: FloatArray) -> FloatArray:
    parts = logsumexp(weight, axis=1) if weight.shape[1] else np.full(halo.size, -np.inf)
    return np.asarray(np.logaddexp(parts, halo))
