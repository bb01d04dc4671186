"""A small product directory with spectra of a known label model, for tests of one star."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from products_factory import make_products, sign
from scipy.ndimage import gaussian_filter1d

from explorer import protocol
from explorer.charts.curves import values_of
from pipeline.domain.settings import LabelConfig
from pipeline.products.catalog import Catalog
from pipeline.products.correlations import write_correlations
from pipeline.products.models import write_model
from pipeline.science.labels.error_model import ErrorModel
from pipeline.science.slam.model import SlamModel
from pipeline.science.slam.storage import to_arrays

LABELS = ("teff", "logg", "m_h", "alpha_m")
N_STARS = 120
DOUBTFUL = 100_000_005
WITHOUT_MODEL = 100_000_009
ALL_MASKED = 100_000_011
LOOK = {
    "smooth": 0,
    "air": False,
    "continuum": "edges",
    "observed": False,
    "lines": True,
    "model": True,
    "residual": True,
    "raw": False,
    "compare": "over",
}


def controls(obsid, **changes):
    """Fields of a request for a drawing, as the page sends them."""
    look = LOOK | {name: changes.pop(name) for name in LOOK if name in changes}
    none = {"zoom": None, "masked": [], "measured": None, "trial": None, "pins": [], "number": 1}
    return {"obsid": str(obsid), "look": look} | none | changes


def sent(curve):
    """Numbers of a curve that was sent."""
    return values_of(protocol.Curve(**curve))


def make_star_products(directory: Path, n_stars: int = N_STARS) -> Path:
    """Write it: every label leaves its own pattern in the flux, the published labels are those of the fit."""
    make_products(directory, n_stars, seed=3)
    rng = np.random.default_rng(3)
    table = pd.read_parquet(directory / "catalog.parquet")
    wavelength = np.load(directory / "spectra" / "wavelength.npy")
    truth = table[list(LABELS)].to_numpy(float)
    scaled = (truth - truth.mean(axis=0)) / truth.std(axis=0)
    patterns = gaussian_filter1d(rng.normal(0, 1, (4, wavelength.size)), 3, axis=1)
    lines = sum(np.exp(-0.5 * ((wavelength - at) / 3.0) ** 2) for at in (8500.36, 8544.44, 8664.52))
    noise = 0.01
    flux = (1.0 - 0.5 * lines + 0.05 * scaled @ patterns + noise * rng.normal(size=(n_stars, wavelength.size))).astype(
        "f4"
    )
    mask = np.load(directory / "spectra" / "mask.npy")
    mask[table["obsid"] == ALL_MASKED] = True
    ivar = np.where(mask, 0.0, noise**-2).astype("f4")
    model = SlamModel(LABELS, LabelConfig(c_grid=(10.0,), gamma_grid=(0.03,), folds=3, second_start="all"))
    training = np.arange(80) + 20
    model.fit(truth[training], flux[training], ivar[training], mask[training])
    fit = model.infer_labels(flux, ivar, mask)
    errors = ErrorModel(LABELS).fit(
        fit.labels[training] - truth[training],
        fit.formal_error[training],
        np.full(80, 100.0),
        np.zeros((80, 4)),
    )
    arrays, metadata = to_arrays(model)
    write_model(directory, arrays, {**metadata, "errors": errors.to_dict(), "simulated": True})
    known = np.isfinite(fit.labels).all(axis=1)
    fitted = np.full(flux.shape, np.nan, "f4")
    fitted[known] = np.where(model.usable_pixel_, model.predict_flux(fit.labels[known]), np.nan)
    fitted[table["obsid"] == WITHOUT_MODEL] = np.nan
    for name, values in (("flux", flux), ("ivar", ivar), ("mask", mask), ("model", fitted)):
        np.save(directory / "spectra" / f"{name}.npy", values)
    for at, name in enumerate(LABELS):
        table[name], table[f"{name}_ref"] = fit.labels[:, at], truth[:, at]
        table[f"{name}_err_formal"] = fit.formal_error[:, at]
    table["in_training"] = np.isin(np.arange(n_stars), training)
    table["snr"], table["rv_ca8542"], table["rv_ca8542_err"] = 100.0, table["rv"] + 1.0, 2.0
    table["star"], table["n_obs"] = np.arange(n_stars) // 2, 2
    table["gaia_source_id"] = 4_000_000_000_000_000_000 + np.arange(n_stars)
    Catalog.from_frame(table).write(directory, simulated=True)
    velocity = np.arange(-800.0, 801.0, 50.0)
    ccf = np.exp(-0.5 * (velocity / 100) ** 2) + 0.95 * np.exp(-0.5 * ((velocity - 500) / 100) ** 2)
    write_correlations(directory, velocity, np.array([DOUBTFUL]), ccf[None])
    return sign(directory)
