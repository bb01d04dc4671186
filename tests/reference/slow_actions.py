"""Actions out of integrated orbits: slow, obvious, and without Staeckel's approximation.

Sanders & Binney (2014, MNRAS 441, 3284): along an orbit, the actions in a toy potential (an isochrone) wander about the
true ones by a Fourier series in the toy's angles. That series and its constant term, which is the true action, are
solved for by least squares over the whole orbit.
"""

import warnings

import numpy as np
from galpy.actionAngle import actionAngleIsochrone
from galpy.orbit import Orbit
from galpy.potential import IsochronePotential, evaluateRforces
from galpy.util import galpyWarning
from scipy.optimize import brentq

PERIODS = 80
SAMPLES = 3000
ORDER = 8


def orbit_actions(model, phase, *, periods=PERIODS, samples=SAMPLES, order=ORDER):
    """J_R and J_z of one star, and how far the two halves of its orbit differ in them.

    Parameters
    ----------
    model : galpy potential
        Axisymmetric, symmetric about its plane.
    phase : sequence of float
        (R, v_R, v_T, z, v_z) in galpy's units.
    periods, samples, order : int
        Length of the orbit in periods at its start, points on it, highest order of the Fourier series.

    Returns
    -------
    actions : ndarray, shape (2,)
        J_R, J_z in galpy's units.
    error : ndarray, shape (2,)
        Half the difference between the halves: it is large where the series does not converge (chaos, resonance).
    """
    radius, v_r, v_t, z, v_z = map(float, phase)
    period = 2.0 * np.pi * np.hypot(radius, z) / max(np.sqrt(v_r**2 + v_t**2 + v_z**2), 0.3)
    times = np.linspace(0.0, periods * period, samples)
    orbit = Orbit([radius, v_r, v_t, z, v_z, 0.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", galpyWarning)
        orbit.integrate(times, model, method="dop853_c", progressbar=False)
    points = orbit.orbit[0]
    toy = actionAngleIsochrone(ip=_toy(model, np.hypot(points[:, 0], points[:, 3])))
    found = toy.actionsFreqsAngles(*points.T)
    actions, angles = np.array([found[0], found[2]]), np.array([found[6], found[8]])
    half = samples // 2
    parts = [_constant_terms(actions[:, part], angles[:, part], order) for part in (slice(half), slice(half, None))]
    return _constant_terms(actions, angles, order), 0.5 * np.abs(parts[1] - parts[0])


def _toy(model, distances):
    """The isochrone with the model's pull at the orbit's smallest and largest distance."""
    near, far = distances.min(), max(distances.max(), 1.1 * distances.min())
    pull = [-float(evaluateRforces(model, r, 0.0, use_physical=False)) for r in (near, far)]

    def shape(r, b):
        root = np.hypot(r, b)
        return r / (root * (b + root) ** 2)

    def mismatch(log_b):
        return np.log(shape(near, np.exp(log_b)) / shape(far, np.exp(log_b)) * pull[1] / pull[0])

    low, high = np.log(1e-3 * near), np.log(30.0 * far)
    b = np.exp(brentq(mismatch, low, high)) if mismatch(low) * mismatch(high) < 0 else near
    return IsochronePotential(amp=pull[1] / shape(far, b), b=b)


def _constant_terms(actions, angles, order):
    """J of J_toy(t) = J + 2 sum_n n S_n cos(n . theta_toy(t)), for both actions together; n_z is even by symmetry."""
    waves = [(i, j) for i in range(order + 1) for j in range(-(order // 2) * 2, order + 1, 2) if i > 0 or j > 0]
    waves = np.array([wave for wave in waves if np.hypot(*wave) <= order])
    cosines = 2.0 * np.cos(angles.T @ waves.T)
    ones = np.ones((actions.shape[1], 1))
    matrix = np.block([[ones, 0 * ones, cosines * waves[:, 0]], [0 * ones, ones, cosines * waves[:, 1]]])
    return np.linalg.lstsq(matrix.T @ matrix, matrix.T @ actions.ravel(), rcond=None)[0][:2]
