"""The slow, obvious twins of the velocity measurement: one template at one shift, sums and fits written out."""

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar

from pipeline.domain.wavelength import doppler_factor


def slow_correlation(measurer, flux, weight, row, template):
    """Weighted Pearson correlation (paper Eq. 1) of one star with one template at one shift."""
    model = measurer._shift(np.array([template]), measurer.velocities[[row]])[0]
    total = weight.sum()
    mean_f, mean_g = (weight * flux).sum() / total, (weight * model).sum() / total
    covariance = (weight * (flux - mean_f) * (model - mean_g)).sum() / total
    var_f, var_g = (weight * (flux - mean_f) ** 2).sum() / total, (weight * (model - mean_g) ** 2).sum() / total
    return covariance / np.sqrt(var_f * var_g)


def slow_chi2(wavelength, flux, weight, template, velocity):
    """Chi-squared of one star against one template (a spline of wavelength) at one shift, quadratic continuum."""
    model = template(wavelength / doppler_factor(velocity))
    x = np.linspace(-1.0, 1.0, wavelength.size)
    design = (model * np.stack([np.ones_like(x), x, x**2])).T
    root = np.sqrt(weight)
    coefficients = np.linalg.lstsq(design * root[:, None], flux * root, rcond=None)[0]
    return float((weight * (flux - design @ coefficients) ** 2).sum())


def splines(templates):
    """Each template as a cubic spline of wavelength."""
    return [CubicSpline(10.0**templates.log_wavelength, flux) for flux in templates.flux]


def slow_velocity(wavelength, flux, weight, templates, velocities):
    """Every template at every shift, then the best template between the shifts; its velocity and error."""
    chi2 = np.array([[slow_chi2(wavelength, flux, weight, one, v) for v in velocities] for one in templates])
    best, row = np.unravel_index(chi2.argmin(), chi2.shape)

    def at(velocity):
        return slow_chi2(wavelength, flux, weight, templates[best], velocity)

    step = velocities[1] - velocities[0]
    found = minimize_scalar(at, bounds=(velocities[row] - step, velocities[row] + step), method="bounded").x
    h = 3.0
    curvature = (at(found + h) - 2.0 * at(found) + at(found - h)) / h**2
    freedom = (weight > 0).sum() - 4
    return found, np.sqrt(2.0 / curvature * max(at(found) / freedom, 1.0)), best
