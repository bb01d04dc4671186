"""The obvious way to regress many pixels: one libsvm machine each, on the stars that are not masked."""

from __future__ import annotations

import numpy as np
from sklearn.svm import SVR


def predict_with_libsvm(labels, flux, inclusion, c, gamma, epsilon, at):
    """Scaled flux at ``at``, shape (m, n_pixels), at a tight tolerance."""
    columns = []
    for pixel in range(flux.shape[1]):
        member = inclusion[:, pixel] > 0
        machine = SVR(C=c, gamma=gamma, epsilon=epsilon, tol=1e-6).fit(labels[member], flux[member, pixel])
        columns.append(machine.predict(at))
    return np.stack(columns, axis=1)
