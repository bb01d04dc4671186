"""Refits of one star with the published label model: spectra for any labels, labels for any mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from pipeline.domain.stored_spectrum import StoredSpectrum
from pipeline.domain.wavelength import C_KMS, doppler_factor
from pipeline.science.labels.error_model import ErrorModel
from pipeline.science.slam.model import SlamModel, refit_star
from pipeline.science.spectra.resample import rebin

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Interval = tuple[float, float]
"""Lower and upper wavelength in Angstrom."""

MAX_SHIFT_KMS = 1500.0
"""Farther than this from the published velocity no line of the grid would meet its own."""

MIN_PIXELS, MIN_PIXELS_A_LABEL = 100, 20
"""Minimum numbers of good pixels of a fit: in all, and for each free label; the larger limit holds."""

MIN_SHARE = 0.2
"""Fraction of the model's pixels below which a fit has a warning."""

_VELOCITY_ROUNDS = 4
_VELOCITY_TOLERANCE_KMS = 0.02


class RefitError(ValueError):
    """A refit cannot be had; the message is a sentence for the visitor."""


@dataclass(frozen=True)
class Wish:
    """Options of a refit.

    Parameters
    ----------
    fixed : tuple of (str, float)
        Labels that keep a value; ``rv`` keeps the published one when it is not among them.
    fit_rv : bool
        Whether the velocity is fitted too, from that value on.
    masked : tuple of (float, float)
        Stretches to leave out, rest wavelengths of the published spectrum in Angstrom.
    """

    fixed: tuple[tuple[str, float], ...] = ()
    fit_rv: bool = False
    masked: tuple[Interval, ...] = ()


@dataclass(frozen=True)
class Refit:
    """One answer.

    Parameters
    ----------
    labels, formal, calibrated : tuple of (str, float)
        Labels and ``rv`` with their formal and calibrated errors, 0 where fixed; ``rv`` has no calibrated error (NaN).
    fixed : tuple of str
        Labels that kept a value.
    chi2, published_chi2 : float
        Sums at the new and at the published labels, over the same pixels; the second is NaN without published labels.
    n_pixels : int
        Pixels used.
    reduced_chi2 : float
        chi2 over pixels less free labels.
    covariance : ndarray, shape (n_labels, n_labels)
        Formal, of the labels without ``rv``.
    at_bound : tuple of str
        Labels that ended at the edge of the training range.
    reason : str
        How the fit ended, and on how little when few pixels were left.
    model : ndarray, shape (n_pixels,)
        Its spectrum on the published rest grid, NaN where the model knows nothing.
    """

    labels: tuple[tuple[str, float], ...]
    formal: tuple[tuple[str, float], ...]
    calibrated: tuple[tuple[str, float], ...]
    fixed: tuple[str, ...]
    chi2: float
    published_chi2: float
    n_pixels: int
    reduced_chi2: float
    covariance: FloatArray
    at_bound: tuple[str, ...]
    reason: str
    model: FloatArray


@dataclass(frozen=True)
class Trial:
    """A model that a visitor tries.

    Parameters
    ----------
    labels : tuple of (str, float)
        Its labels and ``rv``.
    flux : ndarray of float32, shape (n_pixels,)
        Its spectrum on the published rest grid.
    """

    labels: tuple[tuple[str, float], ...]
    flux: NDArray[np.float32]


class LabelModel:
    """Trained label model of a product directory.

    Parameters
    ----------
    slam : SlamModel
        Trained.
    errors : ErrorModel or None
        Turns formal errors into calibrated ones.
    wavelength : ndarray, shape (n_pixels,)
        Rest wavelengths in Angstrom, vacuum.
    """

    def __init__(self, slam: SlamModel, errors: ErrorModel | None, wavelength: FloatArray) -> None:
        if slam.flux_mean_.size != wavelength.size:
            raise RefitError(
                f"The label model has {slam.flux_mean_.size} pixels, the spectra have {wavelength.size}: "
                "they are not of one build. Build the products again."
            )
        self.slam, self.errors, self.wavelength = slam, errors, wavelength
        self._evaluator = (slam.landmarks_ or slam.expansion_).evaluator()

    @property
    def names(self) -> tuple[str, ...]:
        """The labels."""
        return self.slam.label_names

    @property
    def version(self) -> str:
        """Fingerprint of the model's training data."""
        return self.slam.training_fingerprint_

    def ends(self, name: str) -> tuple[float, float]:
        """Training range of a label."""
        at = self.names.index(name)
        return float(self.slam.label_low_[at]), float(self.slam.label_high_[at])

    def spectrum(self, labels: Mapping[str, float], shift_kms: float = 0.0) -> FloatArray:
        """The model's spectrum, moved by a velocity within the published rest frame.

        Parameters
        ----------
        labels : mapping of str to float
            Every label; values beyond the training range are moved to its edge.
        shift_kms : float
            How much faster than published the star recedes.

        Returns
        -------
        ndarray, shape (n_pixels,)
            NaN where the model knows nothing.
        """
        flux = self.predict(np.array([[self._inside(name, labels[name]) for name in self.names]]))[0]
        known = self.slam.usable_pixel_
        if shift_kms:
            at_rest = self.wavelength / float(doppler_factor(shift_kms))
            flux = CubicSpline(self.wavelength, flux)(at_rest)
            known = np.interp(at_rest, self.wavelength, known.astype(float), 0.0, 0.0) > 0.5
        return np.where(known, flux, np.nan)

    def predict(self, labels: FloatArray) -> FloatArray:
        """Spectra for many labels, shape (m, n_labels), at rest, on the model's landmarks where it has some."""
        slam = self.slam
        scaled = self._evaluator.predict((labels - slam.label_mean_) / slam.label_std_)
        return np.asarray(slam.scale.backward(slam.flux_mean_ + slam.flux_std_ * scaled), np.float64)

    def total_variance(self, ivar: NDArray[np.floating]) -> FloatArray:
        """Variance of noise and model together (Eq. 5); infinite where the pixel is not used."""
        with np.errstate(divide="ignore"):
            return np.asarray(1.0 / np.maximum(ivar, 0.0) + self.slam.sigma_pixel_**2, np.float64)

    def refit(
        self, spectrum: StoredSpectrum, published: Mapping[str, float], wish: Wish | None = None, snr: float = np.nan
    ) -> Refit:
        """Fit one star again.

        Parameters
        ----------
        spectrum : StoredSpectrum
            As published: at rest for ``published["rv"]``.
        published : mapping of str to float
            Published labels and ``rv``; NaN where there are none.
        wish : Wish, optional
            What to hold and what to leave out; without one, everything is fitted but ``rv``.
        snr : float
            For the calibrated errors.

        Raises
        ------
        RefitError
            If too little is left to fit, or a value lies outside what the model knows.
        """
        wish = wish or Wish()
        start = published["rv"] if np.isfinite(published["rv"]) else 0.0
        fixed = dict(wish.fixed)
        velocity = fixed.pop("rv", start)
        columns = {self._column(name): value for name, value in fixed.items()}
        mask = spectrum.mask | (spectrum.ivar <= 0) | in_any(self.wavelength, wish.masked)
        if mask.all():
            raise RefitError("Every pixel is masked: there is nothing left to fit. Unmask some of them.")
        self._demand_pixels(~mask, len(self.names) - len(columns) + wish.fit_rv)
        velocity_error = 0.0
        for _ in range(_VELOCITY_ROUNDS if wish.fit_rv else 1):
            flux, ivar, hidden = self._moved(spectrum, mask, shift_between(start, velocity))
            fit = refit_star(self.slam, flux, ivar, hidden, self._checked(columns))
            if not np.isfinite(fit.labels[0]).all():
                raise RefitError(f"This fit has no answer: {fit.reason[0]}.")
            if wish.fit_rv:
                labels = dict(zip(self.names, fit.labels[0], strict=True))
                step, velocity_error = self._velocity_step(labels, flux, ivar, hidden)
                velocity += step
                if abs(step) < _VELOCITY_TOLERANCE_KMS:
                    break
        labels = dict(zip(self.names, fit.labels[0].tolist(), strict=True))
        formal = dict(zip(self.names, fit.formal_error[0].tolist(), strict=True))
        return Refit(
            labels=(*labels.items(), ("rv", float(velocity))),
            formal=(*formal.items(), ("rv", velocity_error)),
            calibrated=(*self._calibrated(labels, formal, snr), ("rv", float("nan"))),
            fixed=(*(name for name in self.names if name in fixed), *(() if wish.fit_rv else ("rv",))),
            chi2=float(fit.chi2[0]),
            published_chi2=self._published_chi2(flux, ivar, hidden, published),
            n_pixels=int(fit.n_pixels[0]),
            reduced_chi2=float(fit.reduced_chi2[0]),
            covariance=fit.covariance[0],
            at_bound=tuple(name for name, edge in zip(self.names, fit.at_bound[0], strict=True) if edge),
            reason=self._reason(str(fit.reason[0]), int(fit.n_pixels[0])),
            model=self.spectrum(labels, shift_between(start, velocity)),
        )

    def _demand_pixels(self, good: BoolArray, n_free: int) -> None:
        count, least = int((good & self.slam.usable_pixel_).sum()), max(MIN_PIXELS, MIN_PIXELS_A_LABEL * n_free)
        if count < least:
            raise RefitError(
                f"{count} good pixels are left, and {least} are the least for {n_free} free labels: "
                "such a fit would say nothing. Unmask some pixels."
            )

    def _reason(self, reason: str, n_pixels: int) -> str:
        share = n_pixels / max(int(self.slam.usable_pixel_.sum()), 1)
        return reason if share >= MIN_SHARE else f"{reason}, but on {share:.0%} of the pixels: do not trust it far"

    def _inside(self, name: str, value: float) -> float:
        low, high = self.ends(name)
        return min(max(float(value), low), high)

    def _column(self, name: str) -> int:
        if name not in self.names:
            raise RefitError(f"{name!r} is no label of this model: it has {', '.join(self.names)} and rv.")
        return self.names.index(name)

    def _checked(self, columns: Mapping[int, float]) -> dict[int, float]:
        # A catalogue holds float32: what stood at the edge of the range may lie a rounding beyond it.
        return {at: self._inside(self.names[at], value) for at, value in columns.items()}

    def _moved(
        self, spectrum: StoredSpectrum, mask: BoolArray, shift_kms: float
    ) -> tuple[NDArray[np.floating], NDArray[np.floating], BoolArray]:
        """The spectrum at rest for another velocity; untouched for the published one."""
        if not shift_kms:
            return spectrum.flux, spectrum.ivar, mask
        if abs(shift_kms) > MAX_SHIFT_KMS:
            raise RefitError(f"rv is {shift_kms:+.0f} km/s off the published one; at most {MAX_SHIFT_KMS:.0f} can be.")
        return rebin(self.wavelength, spectrum.flux, spectrum.ivar, mask, self.wavelength, shift_kms)

    def _velocity_step(
        self, labels: Mapping[str, float], flux: NDArray[np.floating], ivar: NDArray[np.floating], mask: BoolArray
    ) -> tuple[float, float]:
        """One Gauss-Newton step of the velocity with the labels held, and its formal error, in km/s."""
        model = self.spectrum(labels)
        good = ~mask & np.isfinite(model)
        weight = np.where(good, 1.0 / self.total_variance(np.where(good, ivar, 1.0)), 0.0)
        slope = -np.nan_to_num(np.gradient(np.where(good, model, np.nan), np.log(self.wavelength))) / C_KMS
        information = float((weight * slope**2).sum())
        if not information > 0.0:
            raise RefitError("The pixels that are left say nothing about the velocity. Hold rv at a value.")
        residual = np.where(good, flux - np.nan_to_num(model), 0.0)
        return float((weight * slope * residual).sum() / information), float(information**-0.5)

    def _published_chi2(
        self,
        flux: NDArray[np.floating],
        ivar: NDArray[np.floating],
        mask: BoolArray,
        published: Mapping[str, float],
    ) -> float:
        held = {at: published[name] for at, name in enumerate(self.names)}
        if not np.isfinite(list(held.values())).all():
            return float("nan")
        return float(refit_star(self.slam, flux, ivar, mask, self._checked(held)).chi2[0])

    def _calibrated(
        self, labels: Mapping[str, float], formal: Mapping[str, float], snr: float
    ) -> tuple[tuple[str, float], ...]:
        if self.errors is None or not np.isfinite(snr):
            return tuple((name, float("nan")) for name in self.names)
        given = (np.array([[values[name] for name in self.names]]) for values in (formal, labels))
        errors = self.errors.apply(next(given), np.array([snr]), next(given))[0]
        # Calibration knows errors of whole spectra: where few pixels are left the formal error is the larger one.
        return tuple(
            (name, max(float(error), formal[name]) if formal[name] else 0.0)
            for name, error in zip(self.names, errors, strict=True)
        )


def in_any(wavelength: FloatArray, intervals: Sequence[Interval]) -> BoolArray:
    """Pixels whose centre is in any of some intervals."""
    inside = np.zeros(wavelength.size, bool)
    for low, high in intervals:
        inside |= (wavelength >= low) & (wavelength <= high)
    return inside


def shift_between(from_kms: float, to_kms: float) -> float:
    """Velocity of the second rest frame as seen from the first (special relativity), km/s."""
    return (to_kms - from_kms) / (1.0 - to_kms * from_kms / C_KMS**2)
