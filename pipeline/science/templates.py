"""Velocity templates from the synthetic model, normalised exactly as the stars are."""

from __future__ import annotations

from itertools import product

import numpy as np

from pipeline.science.continuum import ContinuumFitter, ContinuumSettings
from pipeline.science.radial_velocity import TemplateSet
from pipeline.science.synthetic import SyntheticModel

TEFF_K = (3500.0, 3750.0, 4000.0, 4250.0, 4500.0, 5000.0, 5500.0, 6000.0, 6500.0, 7000.0, 7500.0, 8000.0)
LOGG = (0.5, 1.5, 3.0, 4.5)
FEH = (-1.0, 0.0)


def synthetic_templates(model: SyntheticModel, settings: ContinuumSettings) -> TemplateSet:
    """The 96 default templates: 12 Teff x 4 log g x 2 [Fe/H], floor 3500 K.

    Parameters
    ----------
    model : SyntheticModel
        Source of the spectra.
    settings : ContinuumSettings
        Pseudo-continuum of the stars, which the templates must share.

    Returns
    -------
    TemplateSet
        On the model's own log grid.
    """
    labels = np.array(list(product(TEFF_K, LOGG, FEH)))
    flux = model.flux(labels)
    wavelength = 10.0**model.log_wavelength
    clean = np.zeros(flux.shape, dtype=bool)
    continuum = ContinuumFitter(wavelength, settings).fit(flux, np.ones_like(flux), clean)
    return TemplateSet(model.log_wavelength, flux / continuum, labels, "synthetic cubic model, 96 spectra, 3500-8000 K")
