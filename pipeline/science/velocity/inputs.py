"""What a velocity measurement takes: its settings and its templates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class VelocitySettings:
    """How velocities are measured.

    Parameters
    ----------
    first_angstrom, last_angstrom : float
        Range of the measurement (paper: 8000-8950, the Ca II triplet).
    max_velocity_kms : float
        Half-width of the search.
    step_kms : float
        Step of the CCF; the refinement works between the steps.
    rival_separation_kms : float
        A second peak counts as a rival when it lies at least this far from the highest (two line widths).
    loss_sigma : float
        Scale of the robust loss in standard deviations; 0 is least squares.
    information : float
        How far pixels without lines lose weight where the fit is worse than the noise
        (:func:`pipeline.science.velocity.robust.pixel_trust`).
    """

    first_angstrom: float = 8000.0
    last_angstrom: float = 8950.0
    max_velocity_kms: float = 800.0
    step_kms: float = 20.0
    rival_separation_kms: float = 300.0
    loss_sigma: float = 3.0
    information: float = 0.1


@dataclass(frozen=True)
class TemplateSet:
    """Normalised templates on a fine log grid.

    Parameters
    ----------
    log_wavelength : ndarray, shape (p,)
        log10 of vacuum rest wavelengths; the step divides the stars' step.
    flux : ndarray, shape (n_templates, p)
        Normalised as the stars are.
    labels : ndarray, shape (n_templates, 3)
        Teff [K], log g [dex], [Fe/H] [dex].
    name : str
        Source of the templates, for the manifest.
    """

    log_wavelength: FloatArray
    flux: FloatArray
    labels: FloatArray
    name: str

    @property
    def at_edge(self) -> NDArray[np.bool_]:
        """Templates of the lowest or highest Teff."""
        teff = self.labels[:, 0]
        return np.asarray((teff == teff.min()) | (teff == teff.max()))
