"""The obvious way to a star's labels: one libsvm machine a pixel, and a generic optimiser without derivatives."""

import numpy as np
from scipy.optimize import least_squares
from sklearn.svm import SVR


def train(labels, flux, c, gamma, epsilon):
    """One machine a pixel on scaled labels and flux."""
    return [SVR(C=c, gamma=gamma, epsilon=epsilon).fit(labels, column) for column in flux.T]


def infer(machines, flux, weight, start, low, high):
    """Scaled labels of one star: bounded least squares on the machines' predictions, finite differences."""

    def residual(labels):
        model = np.array([machine.predict(labels[None, :])[0] for machine in machines])
        return np.sqrt(weight) * (flux - model)

    return least_squares(residual, start, bounds=(low, high), diff_step=1e-4).x
