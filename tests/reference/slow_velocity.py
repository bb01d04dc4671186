"""The slow, obvious twin of the matrix-product correlation: one template at one shift, sums written out."""

import numpy as np


def slow_correlation(measurer, flux, weight, row, template):
    """Weighted Pearson correlation (paper Eq. 1) of one star with one template at one shift."""
    model = measurer._shift(np.array([template]), measurer.velocities[[row]])[0]
    total = weight.sum()
    mean_f, mean_g = (weight * flux).sum() / total, (weight * model).sum() / total
    covariance = (weight * (flux - mean_f) * (model - mean_g)).sum() / total
    var_f, var_g = (weight * (flux - mean_f) ** 2).sum() / total, (weight * (model - mean_g) ** 2).sum() / total
    return covariance / np.sqrt(var_f * var_g)
