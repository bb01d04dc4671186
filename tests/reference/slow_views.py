"""The obvious way to find the stars that a shape in a view encloses, and those that a view can show."""

import numpy as np


def turned(value, column):
    """A coordinate wherever its longitude comes round, near the first turn."""
    return [value + column.period * turn for turn in (-2, -1, 0, 1, 2)] if column.period else [value]


def inside_box(points, columns, box):
    """Whether each star is in a box, one star after another; a box has low and high of each column."""
    found = []
    for point in points:
        within = [
            any(low <= value <= high for value in turned(float(coordinate), column))
            for coordinate, column, (low, high) in zip(point, columns, box, strict=True)
        ]
        found.append(all(within))
    return np.array(found, bool)


def inside_outline(points, columns, corners):
    """Whether each star of a plane is in a closed outline: a ray to the right crosses it an odd number of times."""
    found = []
    for x, y in points:
        places = [(across, up) for across in turned(float(x), columns[0]) for up in turned(float(y), columns[1])]
        found.append(any(crossings(place, corners) % 2 for place in places))
    return np.array(found, bool)


def crossings(place, corners):
    x, y = place
    count = 0
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            count += 1
    return count
