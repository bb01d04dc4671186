"""A small catalogue with known differences from other values of its stars."""

from dataclasses import replace

import numpy as np
import pandas as pd

from explorer.model.library import Library
from explorer.model.table import StarTable

N = 300
REPORT = {
    "label_errors_by_snr": {
        "labels": ["teff", "logg"],
        "held_out": {
            "snr_edges": [10.0, 40.0, 90.0],
            "stars": [0.0, 20.0],
            "bias": [[None, None], [1.0, 0.1]],
            "scatter": [[None, None], [50.0, 0.2]],
        },
        "noise_injected": [{"snr": 10.0, "stars": 30.0, "bias": [9.0, 0.3], "scatter": [80.0, 0.4]}],
    }
}


def make_compared(library: Library) -> Library:
    """Teff is 10 K above its reference, distances 20 % beyond the geometric ones, some stars are observed twice."""
    rng = np.random.default_rng(3)
    star = np.arange(N, dtype=np.int64)
    star[[5, 100, 200]] = 4, 4, 199
    arrays = {
        "obsid": np.arange(1, N + 1, dtype=np.int64),
        "star": star,
        "n_obs": np.bincount(star)[star].astype(np.int16),
        "snr": rng.uniform(20, 200, N).astype(np.float32),
        "teff": rng.uniform(3500, 4000, N).astype(np.float32),
        "teff_err": np.full(N, 30.0, np.float32),
        "teff_ref_err": np.full(N, 40.0, np.float32),
        "distance": rng.uniform(1, 9, N).astype(np.float32),
        "parallax": np.full(N, 0.5, np.float32),
        "parallax_err": np.full(N, 0.05, np.float32),
        "in_training": np.arange(N) < 50,
        "quality": np.zeros(N, np.int32),
    }
    arrays["teff_ref"] = arrays["teff"] - 10.0
    arrays["teff_ref"][:30] = np.nan
    arrays["distance_geo"] = arrays["distance"] / np.float32(1.2)
    arrays["distance_16"], arrays["distance_84"] = 0.9 * arrays["distance"], 1.1 * arrays["distance"]
    products = replace(library.products, report=REPORT)
    truth = pd.DataFrame({"obsid": arrays["obsid"][::-1], "true_teff": arrays["teff"][::-1] + 7.0}).set_index("obsid")
    products.__dict__["truth"] = truth  # as if it had been read
    return Library(products, StarTable(arrays))
