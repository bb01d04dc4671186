"""The obvious way to do what the compiled loops of mean velocity fields do."""

import numpy as np


def sums(stars, rows):
    """Number, v_x, v_y and v_phi of some stars by pixel of each slice."""
    totals = np.zeros((len(stars.slices_kpc) * stars.grid.size, 4))
    for star in np.flatnonzero(rows & (stars.cell >= 0)):
        totals[stars.cell[star]] += (1.0, stars.v_x[star], stars.v_y[star], stars.v_phi[star])
    return totals


def weighted(planes, pixel_kpc, width_kpc):
    """Sums of K_i and K_i v_i at each pixel, by the distance of every pixel from every other one."""
    count, height, width = planes.shape
    result = np.zeros(planes.shape)
    rows, columns = np.mgrid[:height, :width]
    for row in range(height):
        for column in range(width):
            away = pixel_kpc * np.hypot(rows - row, columns - column)
            kernel = np.exp(-0.5 * (away / width_kpc) ** 2)
            for plane in range(count):
                result[plane, row, column] = (kernel * planes[plane]).sum()
    return result


def smoothed(planes, pixel_kpc, widths_kpc, least):
    """Sums with the narrowest kernel that holds enough stars, or a mixture of two that holds exactly as many."""
    levels = [weighted(planes, pixel_kpc, width) for width in widths_kpc]
    result = np.zeros(planes.shape)
    for place in np.ndindex(planes.shape[1:]):
        stars = [level[0][place] for level in levels]
        enough = [k for k, number in enumerate(stars) if number >= least]
        at = (slice(None), *place)
        if not enough:
            result[at] = levels[-1][at]
        elif enough[0] == 0:
            result[at] = levels[0][at]
        else:
            wide, narrow = levels[enough[0]], levels[enough[0] - 1]
            share = (least - narrow[0][place]) / (wide[0][place] - narrow[0][place])
            result[at] = share * wide[at] + (1 - share) * narrow[at]
    return result


def line_shades(along_x, along_y, noise, weights, contrast):
    """Noise averaged along the streamline through each pixel, from 1 to 255."""
    height, width = noise.shape
    shades = np.zeros(noise.shape, int)
    for row, column in np.ndindex(height, width):
        if not (along_x[row, column] or along_y[row, column]):
            continue
        taken = [(weights[0], noise[row, column])]
        for sense in (-1, 1):
            x, y = column + 0.5, row + 0.5
            for weight in weights[1:]:
                u, v = along_x[int(y), int(x)], along_y[int(y), int(x)]
                x, y = x + sense * u, y + sense * v
                if not (u or v) or not (0 <= x < width and 0 <= y < height):
                    break
                taken.append((weight, noise[int(y), int(x)]))
        weight, value = np.array(taken, float).T
        shade = 128 + 127 * (weight * value).sum() / (contrast * np.sqrt((weight**2).sum()))
        shades[row, column] = int(min(max(shade, 1), 255))
    return shades
