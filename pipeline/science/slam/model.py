"""SLAM: stellar labels from spectra by one support-vector regression a pixel (paper section 3.2).

``SlamModel(names, settings).fit(...)`` learns flux as a function of the labels; ``infer_labels`` inverts it star by
star. Labels and each pixel are scaled by mean and standard deviation before anything else; every public method takes
and returns physical units.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.domain.settings import LabelConfig
from pipeline.science.blocks import Progress, for_each_block
from pipeline.science.slam.checks import checked_fixed
from pipeline.science.slam.inference import SEARCH_TOLERANCE, LabelFit, LabelInference, Scaling, SecondStart
from pipeline.science.slam.optimiser import NEWTON_DECREMENT, StartGrid
from pipeline.science.slam.settings import SlamNumerics, assign_folds
from pipeline.science.slam.training import TrainedFunctions

__all__ = ["LabelFit", "SlamModel", "SlamNumerics", "assign_folds", "refit_star"]


class SlamModel(TrainedFunctions):
    """Flux of every pixel as a function of stellar labels, and its inverse.

    Parameters and attributes are those of :class:`~pipeline.science.slam.functions.PixelFunctions`.
    """

    def __init__(
        self, label_names: tuple[str, ...], settings: LabelConfig | None = None, numerics: SlamNumerics | None = None
    ) -> None:
        super().__init__(label_names, settings, numerics)
        self._inverse: dict[bool, tuple[NDArray[np.intp], LabelInference]] = {}

    def blank(self, n_stars: int) -> LabelFit:
        """Fits of no star."""
        return LabelFit.blank(n_stars, len(self.label_names))

    def infer_labels(
        self,
        flux: ArrayLike,
        ivar: ArrayLike,
        mask: ArrayLike,
        *,
        fixed_labels: Mapping[int, float] | None = None,
        exact: bool = False,
        progress: Progress | None = None,
    ) -> LabelFit:
        """Infer labels: the posterior maximum of each star in the training range, or the mean (Eq. 4-5).

        The likelihood is Gaussian with variance sigma_obs^2 + sigma_j^2, or the star's :attr:`covariance`. As neither
        depends on the labels, the log-determinant is constant and does not move the maximum; it is part of the reported
        ``ln_posterior``. The search works on the landmarks, first in single and then in double precision.

        Parameters
        ----------
        flux, ivar : array_like, shape (m, n_pixels)
            Spectra and inverse variances.
        mask : array_like of bool, shape (m, n_pixels)
            True where a pixel is not to be used.
        fixed_labels : mapping of int to float, optional
            Labels (by column) that keep a value.
        exact : bool
            End on the full model instead of on its landmarks (about four times the time).
        progress : callable, optional
            Called with the fraction done.

        Returns
        -------
        LabelFit
            NaN labels and a reason where there is no fit.
        """
        flux, ivar, good = self._learned(flux, ivar, mask, n_pixels=self.flux_mean_.size)
        fixed = checked_fixed(fixed_labels or {}, self.label_names, self.label_low_, self.label_high_)
        result = LabelFit.blank(len(flux), len(self.label_names))
        order, inference = self._inverse_of(exact)
        done = 0

        def infer(rows: NDArray[np.intp]) -> None:
            nonlocal done
            f, v = (part[rows][:, order].astype(np.float64) for part in (flux, ivar))
            result.put(rows, inference.infer(f, v, good[rows][:, order], fixed))
            done += rows.size
            if progress is not None:
                progress(done / len(flux))

        for_each_block(infer, np.arange(len(flux)), self.numerics.star_block, self.numerics.threads)
        return result

    def _forget(self) -> None:
        super()._forget()
        self._inverse = {}

    def _inverse_of(self, exact: bool) -> tuple[NDArray[np.intp], LabelInference]:
        """Usable pixels ordered by gamma, and the inference on them; made once a model."""
        if exact not in self._inverse:
            order = np.argsort(self.expansion_.gamma, kind="stable")
            order = order[self.usable_pixel_[order]]
            full = self.expansion_.take(order)
            fast = full if self.landmarks_ is None else self.landmarks_.take(order)
            last = fast.evaluator()
            stages = [(last, NEWTON_DECREMENT)]
            if (
                len(self.modes_) + len(self.noise_modes_) == 0
            ):  # modes cancel most of chi-squared: single precision would lose the rest
                stages.insert(0, (fast.evaluator(np.float32), SEARCH_TOLERANCE))
            if exact and self.landmarks_ is not None:
                stages.append((full.evaluator(), NEWTON_DECREMENT))
            scaling = Scaling(
                self.label_mean_,
                self.label_std_,
                self.label_low_,
                self.label_high_,
                self.flux_mean_[order],
                self.flux_std_[order],
                self.covariance.take(order, self.flux_std_[order]),
            )
            settings = self.settings
            self._inverse[exact] = (
                order,
                LabelInference(
                    scaling,
                    StartGrid.of(self.expansion_.support, last),
                    tuple(stages),
                    prior=self.prior_,
                    second_start=cast("SecondStart", settings.second_start),
                    max_steps=self.numerics.max_steps,
                    mean=settings.estimate == "mean",
                ),
            )
        return self._inverse[exact]


def refit_star(
    model: SlamModel, flux: ArrayLike, ivar: ArrayLike, mask: ArrayLike, fixed_labels: Mapping[int, float] | None = None
) -> LabelFit:
    """Fit one star again with a free choice of masked pixels and fixed labels.

    Parameters
    ----------
    model : SlamModel
        Fitted.
    flux, ivar : array_like, shape (n_pixels,)
        Spectrum and inverse variance.
    mask : array_like of bool, shape (n_pixels,)
        True where a pixel is not to be used.
    fixed_labels : mapping of int to float, optional
        Labels (by column) that keep a value inside the training range.

    Returns
    -------
    LabelFit
        Of one star.
    """
    f, v, m = (np.asarray(part)[None, :] for part in (flux, ivar, mask))
    return model.infer_labels(f, v, m, fixed_labels=fixed_labels)
