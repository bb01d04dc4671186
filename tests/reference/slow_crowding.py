"""The obvious way to count the neighbours of stars on screen."""

import numpy as np

CELL = 6.0


def density(x, y, viewport):
    """Sum over all stars of a Gaussian of one cell between their cells and that of each star."""
    across = np.floor((x - viewport.x_low) / (viewport.x_high - viewport.x_low) * viewport.width / CELL)
    up = np.floor((y - viewport.y_low) / (viewport.y_high - viewport.y_low) * viewport.height / CELL)
    steps = np.arange(-4, 5)
    kernel = np.exp(-0.5 * steps**2)
    kernel = np.concatenate([np.zeros(200), kernel / kernel.sum(), np.zeros(200)])
    total = np.zeros(x.size)
    for star in range(x.size):
        for other in range(x.size):
            total[star] += kernel[int(across[other] - across[star]) + 204] * kernel[int(up[other] - up[star]) + 204]
    return total
