"""Labels straight from spectra: an ensemble of small networks on compressed spectra.

Where SLAM learns flux as a function of the labels and inverts it, the networks learn the labels as a function of the
spectrum. Spectra are compressed with weights (:mod:`pipeline.science.labels.compression`), so masked pixels carry
nothing; the networks also see how much information a spectrum has, and train on the stars with noise added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.domain.settings import LabelConfig
from pipeline.science.blocks import Progress
from pipeline.science.labels.compression import Compression
from pipeline.science.labels.networks import Networks, NetworkTraining, NoisyFeatures, train_networks
from pipeline.science.slam.checks import checked_labels, checked_spectra
from pipeline.science.slam.scale import FluxScale

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

NOISE_ADDED = (0.0, 0.0, 0.0, 0.5, 1.0, 2.0)
"""Noise added in training, in units of each pixel's own; each star is drawn at one of these levels in each epoch."""

INFORMED_SHARE = 0.6
"""A star at this fraction of the training stars' median S/N counts half in training: errors grow where noise rules."""

_MIN_INFORMATION = 1e-6

NETWORK = NetworkTraining(hidden=(256, 128), penalty=0.1, epochs=200)
"""How each network is trained."""

FLUX_SOFTENING = 0.05
"""Spectra are learned as ``s arcsinh(flux / s)`` with this s."""

PREFIX = "direct_"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class DirectFit:
    """Labels of many stars by the networks.

    Parameters
    ----------
    labels : ndarray, shape (n_stars, n_labels)
        Mean over the networks, within the training range; NaN without a usable pixel.
    formal_error : ndarray, shape (n_stars, n_labels)
        Scatter between the networks. It is formal: calibrate it (:mod:`pipeline.science.labels.error_model`).
    """

    labels: FloatArray
    formal_error: FloatArray

    @classmethod
    def blank(cls, n_stars: int, n_labels: int) -> DirectFit:
        """No labels for any star: what :meth:`put` fills."""
        return cls(np.full((n_stars, n_labels), np.nan), np.full((n_stars, n_labels), np.nan))

    def put(self, rows: NDArray[np.intp] | slice, part: DirectFit) -> None:
        """Write the labels of some stars into their rows."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(part, field.name)


class DirectModel:
    """Labels as a function of the spectrum.

    Parameters
    ----------
    label_names : tuple of str
        Names of the labels, in the order of the columns of every label array.
    settings : LabelConfig, optional
        How to train: ``networks``, ``spectrum_components`` and ``seed``.
    training : NetworkTraining
        How each network is trained.
    flux_softening : float
        Spectra are learned as ``s arcsinh(flux / s)`` with this s.

    Raises
    ------
    ConfigError
        If a setting has a value that it cannot have.

    Attributes
    ----------
    label_mean_, label_std_, label_low_, label_high_ : ndarray, shape (n_labels,)
        Scaling and range of the training labels.
    compression_ : Compression
        Of the spectra.
    feature_scale_ : ndarray, shape (n_components,)
        What each coefficient is multiplied with.
    information_ : ndarray, shape (4,)
        Mean, standard deviation, minimum and maximum, in training, of the logarithm of a spectrum's S/N.
    networks_ : Networks
        Trained.
    """

    label_mean_: FloatArray
    label_std_: FloatArray
    label_low_: FloatArray
    label_high_: FloatArray
    compression_: Compression
    feature_scale_: FloatArray
    information_: FloatArray
    networks_: Networks

    def __init__(
        self,
        label_names: tuple[str, ...],
        settings: LabelConfig | None = None,
        training: NetworkTraining = NETWORK,
        flux_softening: float = FLUX_SOFTENING,
    ) -> None:
        self.label_names = tuple(label_names)
        self.settings = settings if settings is not None else LabelConfig()
        self.settings.check("labels")
        self.training, self.flux_softening = training, flux_softening
        self._training: tuple[NoisyFeatures, FloatArray, NDArray[np.int64]] | None = None

    @property
    def seed(self) -> int:
        """Seed of the folds that are drawn for it."""
        return self.settings.seed

    def blank(self, n_stars: int) -> DirectFit:
        """Fits of no star."""
        return DirectFit.blank(n_stars, len(self.label_names))

    def fit(
        self,
        labels: ArrayLike,
        flux: ArrayLike,
        ivar: ArrayLike,
        mask: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Learn from stars with known labels; observations of one star train or validate together.

        Parameters, result and errors are those of :meth:`pipeline.science.slam.training.TrainedFunctions.fit`.
        """
        labels = checked_labels(labels, self.label_names)
        flux, ivar, good = checked_spectra(flux, ivar, mask, n_stars=len(labels))
        self.label_mean_, self.label_std_ = labels.mean(axis=0), labels.std(axis=0)
        self.label_std_[self.label_std_ == 0] = 1.0
        self.label_low_, self.label_high_ = labels.min(axis=0), labels.max(axis=0)
        scaled = FluxScale(self.flux_softening).forward(flux, ivar, good)
        self.compression_ = Compression.fit(*scaled, good, self.settings.spectrum_components)
        features = self._noisy_features(flux, ivar, good)
        named = np.arange(len(labels)) if groups is None else np.unique(groups, return_inverse=True)[1].reshape(-1)
        self._training = (features, (labels - self.label_mean_) / self.label_std_, named.astype(np.int64))
        self.networks_ = self._train(np.arange(len(labels)), self.settings.networks, 0, progress)
        return self

    def without(self, rows: ArrayLike, flux: ArrayLike, ivar: ArrayLike, mask: ArrayLike) -> DirectModel:  # noqa: ARG002 - features of the training spectra are kept
        """The same model with networks that never see some of its stars; half as many.

        Scaling and compression, which use no label, are those of the whole model.

        Parameters
        ----------
        rows : array_like of bool, shape (n_stars,)
            Training stars to leave out.
        flux, ivar, mask : array_like, shape (n_stars, n_pixels)
            The training spectra, as given to :meth:`fit`.

        Raises
        ------
        ValueError
            If the model was restored from a file: it does not hold its training stars.
        """
        left_out = np.asarray(rows, dtype=bool)
        other = DirectModel(self.label_names, self.settings, self.training, self.flux_softening)
        for name in ("label_mean_", "label_std_", "label_low_", "label_high_", "compression_", "feature_scale_"):
            setattr(other, name, getattr(self, name))
        other.information_ = self.information_
        other._training = self._training
        first = 1 + int(np.flatnonzero(left_out)[0]) if left_out.any() else 1
        other.networks_ = other._train(np.flatnonzero(~left_out), max(2, self.settings.networks // 2), first, None)
        other._training = None
        return other

    def infer_labels(self, flux: ArrayLike, ivar: ArrayLike, mask: ArrayLike) -> DirectFit:
        """Labels of stars.

        Parameters
        ----------
        flux, ivar : array_like, shape (m, n_pixels)
            Spectra and inverse variances.
        mask : array_like of bool, shape (m, n_pixels)
            True where a pixel is not to be used.
        """
        flux, ivar, good = checked_spectra(flux, ivar, mask, n_pixels=self.compression_.mean.size)
        low, high = self.information_[2:]
        features, snr = self._features(flux, ivar, good)
        inside = np.column_stack([features, self._scaled_information(np.clip(snr, low, high))])
        each = self.networks_.predict(inside)
        labels = np.clip(self.label_mean_ + self.label_std_ * each.mean(axis=0), self.label_low_, self.label_high_)
        spread = self.label_std_ * each.std(axis=0, ddof=1 if len(each) > 1 else 0)
        fit = DirectFit(labels, spread)
        for values in (fit.labels, fit.formal_error):
            values[~good.any(axis=1)] = np.nan
        return fit

    def _train(self, rows: NDArray[np.intp], count: int, first: int, progress: Progress | None) -> Networks:
        if self._training is None:
            raise ValueError("This model was restored from a file without its training stars: fit it anew.")
        features, targets, groups = self._training
        seeds = [(self.settings.seed, first, number) for number in range(count)]
        return train_networks(features.take(rows), targets[rows], groups[rows], self.training, seeds, progress)

    def _noisy_features(self, flux: NDArray[Any], ivar: NDArray[Any], good: BoolArray) -> NoisyFeatures:
        """Features of the training stars at every noise level; learns their scale and that of the information."""
        rng = np.random.default_rng(self.settings.seed)
        self.feature_scale_ = np.sqrt(np.linalg.norm(self.compression_.basis, axis=1))
        coefficients: list[FloatArray] = []
        information: list[FloatArray] = []
        for place, factor in enumerate(NOISE_ADDED):
            if factor == 0 and place:
                coefficients.append(coefficients[0])
                information.append(information[0])
                continue
            noise = factor * rng.standard_normal(flux.shape) / np.sqrt(np.where(good, ivar, 1.0)) if factor else 0.0
            features = self._features(flux + noise, ivar / (1.0 + factor**2), good)
            coefficients.append(features[0])
            information.append(features[1])
        spread = float(coefficients[0].std())
        self.feature_scale_ = self.feature_scale_ / (spread if spread > 0 else 1.0)
        together = np.concatenate(information)
        self.information_ = np.array([together.mean(), together.std() or 1.0, together.min(), together.max()])
        half = INFORMED_SHARE * np.exp(np.median(information[0]))
        weights = [1.0 / (1.0 + (half / np.exp(snr)) ** 2) for snr in information]
        size = float(np.mean(np.concatenate(weights)))
        return NoisyFeatures(
            tuple(
                np.column_stack([values / (spread if spread > 0 else 1.0), self._scaled_information(snr)])
                for values, snr in zip(coefficients, information, strict=True)
            ),
            tuple(weight / size for weight in weights),
        )

    def _features(self, flux: NDArray[Any], ivar: NDArray[Any], good: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Scaled coefficients, and the logarithm of the S/N over all pixels, masked ones counting as nothing."""
        scaled_flux, scaled_ivar = FluxScale(self.flux_softening).forward(flux, ivar, good)
        coefficients = self.compression_.coefficients(scaled_flux, scaled_ivar, good)
        square = np.where(good, np.square(flux.astype(np.float64)) * ivar, 0.0).mean(axis=1)
        return coefficients * self.feature_scale_, 0.5 * np.log(square + _MIN_INFORMATION)

    def _scaled_information(self, snr: FloatArray) -> FloatArray:
        return np.asarray((snr - self.information_[0]) / self.information_[1])


STORED_SETTINGS = {"networks": "networks", "spectrum_components": "components", "seed": "seed"}
"""Settings of the section ``labels`` that the networks are stored with, and their names in the file."""

_ARRAYS = ("label_mean_", "label_std_", "label_low_", "label_high_", "feature_scale_", "information_")


def direct_to_arrays(model: DirectModel) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Learned state as plain arrays and JSON-ready metadata."""
    compression, networks = model.compression_, model.networks_
    arrays = {name.rstrip("_"): getattr(model, name) for name in _ARRAYS}
    arrays |= {name: getattr(compression, name) for name in ("mean", "basis", "residual")}
    for layer, (weight, bias) in enumerate(zip(networks.weights, networks.biases, strict=True)):
        arrays |= {f"weight_{layer}": weight, f"bias_{layer}": bias}
    metadata = {
        "format_version": FORMAT_VERSION,
        "label_names": list(model.label_names),
        "settings": {
            **{name: getattr(model.settings, ours) for ours, name in STORED_SETTINGS.items()},
            **asdict(model.training),
            "hidden": list(model.training.hidden),
            "flux_softening": model.flux_softening,
        },
        "layers": len(networks.weights),
    }
    return {PREFIX + name: values for name, values in arrays.items()}, metadata


def direct_from_arrays(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> DirectModel:
    """Restore what :func:`direct_to_arrays` gave.

    Raises
    ------
    ValueError
        If they come from another version or some are missing.
    """
    if metadata["format_version"] != FORMAT_VERSION:
        raise ValueError(
            f"The networks have format {metadata['format_version']}, this version reads {FORMAT_VERSION}. "
            "Build the products again."
        )
    layers = range(metadata["layers"])
    needed = {*(name.rstrip("_") for name in _ARRAYS), "mean", "basis", "residual"}
    needed |= {f"{part}_{layer}" for part in ("weight", "bias") for layer in layers}
    if missing := {PREFIX + name for name in needed} - set(arrays):
        raise ValueError(f"The networks lack {', '.join(sorted(missing))}. Build the products again.")
    stored = metadata["settings"]
    model = DirectModel(
        tuple(metadata["label_names"]),
        LabelConfig(**{ours: stored[name] for ours, name in STORED_SETTINGS.items()}),
        NetworkTraining(tuple(stored["hidden"]), stored["penalty"], stored["epochs"]),
        stored["flux_softening"],
    )
    for name in _ARRAYS:
        setattr(model, name, arrays[PREFIX + name.rstrip("_")])
    model.compression_ = Compression(*(arrays[PREFIX + name] for name in ("mean", "basis", "residual")))
    model.networks_ = Networks(
        tuple(arrays[f"{PREFIX}weight_{layer}"] for layer in layers),
        tuple(arrays[f"{PREFIX}bias_{layer}"] for layer in layers),
    )
    return model
