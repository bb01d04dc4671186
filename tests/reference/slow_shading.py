"""The obvious way to do what the kernels of the hot path do."""

import numpy as np


def counts(x, y, rows, viewport):
    image = np.zeros((viewport.height, viewport.width), int)
    for star in np.flatnonzero(rows):
        across = (x[star] - viewport.x_low) / (viewport.x_high - viewport.x_low) * viewport.width
        up = (y[star] - viewport.y_low) / (viewport.y_high - viewport.y_low) * viewport.height
        if np.isfinite(across) and np.isfinite(up) and 0 <= across < viewport.width and 0 <= up < viewport.height:
            image[int(up), int(across)] += 1
    return image


def spread(image, radius):
    total = np.zeros_like(image)
    for row, column in np.argwhere(image):
        for to_row in range(image.shape[0]):
            for to_column in range(image.shape[1]):
                near = (to_row - row) ** 2 + (to_column - column) ** 2 <= radius * radius + 1
                if near and abs(to_row - row) <= radius and abs(to_column - column) <= radius:
                    total[to_row, to_column] += image[row, column]
    return total


def log_levels(image, ceiling):
    levels = np.zeros(image.shape, np.uint8)
    for place in map(tuple, np.argwhere(image)):
        levels[place] = min(int(1.5 + 254 * np.log(image[place]) / np.log(max(ceiling, 2))), 255)
    return levels


def unpack(packed, shape):
    """What the page does with a packed image."""
    pixels, at = [], 0
    while at < len(packed):
        if packed[at]:
            pixels.append(packed[at])
            at += 1
        else:
            pixels.extend([0] * (packed[at + 1] + 1))
            at += 2
    return np.array(pixels, np.uint8).reshape(shape)
