"""The published label model of a product directory."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np

from pipeline.products.models import MODEL_DIR, read_model
from pipeline.products.spectra import SpectrumStore
from pipeline.science.labels.error_model import ErrorModel
from pipeline.science.slam.storage import from_arrays
from pipeline.science.star.refit import LabelModel, RefitError, Wish


def open_label_model(directory: Path) -> LabelModel | None:
    """The label model of a product directory; None when the build trained none.

    Raises
    ------
    ProductError
        If it is damaged.
    """
    if not (directory / MODEL_DIR).is_dir():
        return None
    arrays, metadata = read_model(directory)
    wavelength = np.load(directory / "spectra" / "wavelength.npy", allow_pickle=False)
    errors = ErrorModel.from_dict(metadata["errors"]) if "errors" in metadata else None
    return LabelModel(from_arrays(arrays, metadata), errors, wavelength)


def warm_up(model: LabelModel | None, store: SpectrumStore) -> None:
    """Fit a star, shifted and unshifted, so that the first visitor does not wait for compilation."""
    if model is None or not len(store):
        return
    published = dict.fromkeys((*model.names, "rv"), float("nan"))
    spectrum = store.get(int(store.obsid[0]))
    for velocity in (0.0, 1.0):
        with suppress(RefitError):  # a star without a good pixel warms up less
            model.refit(spectrum, published, Wish(fixed=(("rv", velocity),)))
