"""Sightlines of Bayestar2015 as text from its web service (Argonaut): best fit and samples."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Sightline:
    """One sightline of Bayestar2015 as its web service wrote it.

    Parameters
    ----------
    glon_deg, glat_deg : float
        Direction.
    modulus : ndarray, shape (k,)
        Distance moduli of the nodes in mag.
    best : ndarray, shape (k,)
        E(B-V) of the best fit at the nodes.
    samples : ndarray, shape (s, k)
        Draws from its posterior: their spread is the map's own error.
    reliable_modulus : tuple of float
        First and last reliable distance modulus.
    converged : bool
        Whether the fit did.
    """

    glon_deg: float
    glat_deg: float
    modulus: FloatArray
    best: FloatArray
    samples: FloatArray
    reliable_modulus: tuple[float, float]
    converged: bool


def read_sightlines(path: Path) -> tuple[Sightline, ...]:
    """Read the text of one or more sightlines.

    Raises
    ------
    ValueError
        If it holds none, or one is incomplete.
    """
    blocks = path.read_text(encoding="utf-8").split("# Line-of-Sight Reddening Results")[1:]
    if not blocks:
        raise ValueError("it holds no 'Line-of-Sight Reddening Results'")
    return tuple(_sightline(block) for block in blocks)


def _sightline(block: str) -> Sightline:
    header = dict(re.findall(r"^#\s+(l|b|min|max|Fit converged)\s*[=:]\s*(\S+)", block, re.MULTILINE))
    rows = {
        label.strip(): np.array(values.split(), float)
        for label, values in re.findall(r"^( *\w*) *\|([ \d.]+)$", block, re.MULTILINE)
    }
    missing = {"l", "b", "min", "max", "Fit converged"} - header.keys() | {"", "BestFit"} - rows.keys()
    if missing:
        raise ValueError(f"a sightline lacks {', '.join(sorted(map(repr, missing)))}")
    modulus, best = rows.pop(""), rows.pop("BestFit")
    samples = np.array(list(rows.values())).reshape(-1, modulus.size)
    reliable = (float(header["min"]), float(header["max"]))
    converged = header["Fit converged"] == "True"
    return Sightline(float(header["l"]), float(header["b"]), modulus, best, samples, reliable, converged)
