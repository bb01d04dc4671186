"""A trained SLAM model as plain arrays and JSON-ready metadata: restoring one executes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.settings import LabelConfig
from pipeline.science.slam.functions import LEARNED_ARRAYS
from pipeline.science.slam.kernel_expansion import GammaGroup, KernelExpansion, Landmarks
from pipeline.science.slam.model import SlamModel
from pipeline.science.slam.prior import DensityPrior
from pipeline.science.slam.settings import SlamNumerics
from pipeline.science.slam.svr import HyperParameters

FORMAT = "mgiant-slam"
FORMAT_VERSION = 3

_BEFORE_NOISE_MODES = 2
"""Models of this version are read too: their likelihood has the stated noise and no patterns of noise."""


_LANDMARK_PARTS = ("landmark_pixels", "landmarks", "landmark_coefficients")

STORED_SETTINGS = {
    "solver": "engine",
    "folds": "n_folds",
    **{
        name: name
        for name in (
            *("c_grid", "gamma_grid", "epsilon_grid", "seed", "prescreen_margin", "final_precision", "second_start"),
            *("flux_softening", "nuisance_modes", "noise_modes", "prior", "estimate"),
        )
    },
}
"""Settings of the section ``labels`` that a model is stored with, and their names in the file."""


def plain_settings(settings: LabelConfig, numerics: SlamNumerics) -> dict[str, Any]:
    """SLAM's settings and numerical parameters as JSON-ready values, stored with a model."""
    stored = {name: getattr(settings, ours) for ours, name in STORED_SETTINGS.items()} | asdict(numerics)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in stored.items()}


def stored_settings(plain: Mapping[str, Any]) -> tuple[LabelConfig, SlamNumerics]:
    """Restore what :func:`plain_settings` gave; a value that the file lacks has its default.

    Raises
    ------
    ValueError
        If the file holds a setting that SLAM does not have.
    """
    numerical = {field.name for field in fields(SlamNumerics)}
    unknown = set(plain) - set(STORED_SETTINGS.values()) - numerical
    if unknown:
        raise ValueError(f"SLAM has no setting {', '.join(sorted(unknown))}: the model comes from another version.")
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in plain.items()}
    section = {ours: values[name] for ours, name in STORED_SETTINGS.items() if name in values}
    return LabelConfig(**section), SlamNumerics(**{name: v for name, v in values.items() if name in numerical})


def to_arrays(model: SlamModel) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Learned state as plain arrays and JSON-ready metadata."""
    arrays: dict[str, NDArray[Any]] = {name.rstrip("_"): getattr(model, name) for name in LEARNED_ARRAYS}
    parameters, expansion = model.hyper_parameters_, model.expansion_
    arrays |= {"c": parameters.c, "gamma": parameters.gamma, "epsilon": parameters.epsilon}
    arrays |= {
        "support": expansion.support,
        "coefficients": expansion.coefficients,
        "intercept": expansion.intercept,
    }
    if model.prior_ is not None:
        arrays |= {f"prior_{name}": getattr(model.prior_, name) for name in ("ln_weight", "mean", "precision")}
    landmark_gammas: list[float] = []
    for number, group in enumerate(model.landmarks_.groups if model.landmarks_ is not None else ()):
        landmark_gammas.append(group.gamma)
        arrays |= {
            f"landmarks_{number}": group.support,
            f"landmark_coefficients_{number}": group.coefficients,
            f"landmark_pixels_{number}": group.pixels,
        }
    metadata = {
        "landmark_gammas": landmark_gammas,
        "landmark_error": model.landmarks_.error if model.landmarks_ is not None else None,
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "label_names": list(model.label_names),
        "settings": plain_settings(model.settings, model.numerics),
        "training_fingerprint": model.training_fingerprint_,
    }
    return arrays, metadata


def from_arrays(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> SlamModel:
    """Restore what :func:`to_arrays` gave.

    Raises
    ------
    ValueError
        If they come from another version or some are missing.
    """
    stored = (metadata.get("format"), metadata.get("format_version"))
    if stored == (FORMAT, _BEFORE_NOISE_MODES) and "sigma_pixel" in arrays:
        size = arrays["sigma_pixel"].size
        arrays = {**arrays, "noise_scale": np.ones(size), "typical_noise": np.ones(size)}
        arrays |= {"noise_modes": np.zeros((0, size)), "chi2_per_pixel": np.array(1.0)}
    elif stored != (FORMAT, FORMAT_VERSION):
        raise ValueError(
            f"Not a label model of this version: found {stored}, expected {(FORMAT, FORMAT_VERSION)}. "
            "Build the products again."
        )
    names = [name.rstrip("_") for name in LEARNED_ARRAYS]
    settings, numerics = stored_settings(metadata["settings"])
    gammas = metadata["landmark_gammas"]
    needed = {*names, "c", "gamma", "epsilon", "support", "coefficients", "intercept"}
    needed |= {f"{part}_{number}" for part in _LANDMARK_PARTS for number in range(len(gammas))}
    if settings.prior == "density":
        needed |= {"prior_ln_weight", "prior_mean", "prior_precision"}
    missing = needed - set(arrays)
    if missing:
        raise ValueError(f"The label model lacks {', '.join(sorted(missing))}. Build the products again.")
    model = SlamModel(tuple(metadata["label_names"]), settings, numerics)
    for attribute, name in zip(LEARNED_ARRAYS, names, strict=True):
        setattr(model, attribute, arrays[name])
    model.hyper_parameters_ = HyperParameters(arrays["c"], arrays["gamma"], arrays["epsilon"])
    model.expansion_ = KernelExpansion(arrays["support"], arrays["coefficients"], arrays["intercept"], arrays["gamma"])
    model.prior_ = None
    if settings.prior == "density":
        model.prior_ = DensityPrior(arrays["prior_ln_weight"], arrays["prior_mean"], arrays["prior_precision"])
    model.landmarks_ = None
    if metadata["landmark_error"] is not None:
        groups = tuple(
            GammaGroup(float(gamma), *(arrays[f"{part}_{number}"] for part in _LANDMARK_PARTS))
            for number, gamma in enumerate(gammas)
        )
        model.landmarks_ = Landmarks(groups, arrays["intercept"], float(metadata["landmark_error"]))
    model.training_fingerprint_ = str(metadata["training_fingerprint"])
    return model
