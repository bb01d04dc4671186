"""Statements of sections 3.3 and 4: distances against parallaxes, stars near the plane."""

from __future__ import annotations

import numpy as np

from pipeline.reproduction.labels import standard_error
from pipeline.reproduction.statement import Claim, PaperStatement, above, exactly, printed
from pipeline.reproduction.survey import BoolArray, FloatArray, Survey
from pipeline.science.quality.estimates import Estimate, exact_number, median, percentile, rank_correlation, share

NEAR_KPC = 4.0
MIN_GEOMETRIC_SNR = 20.0
METALLICITY = (-0.9, 0.5)
"""The paper's sample of reliable distances: nearer than this, of this S/N, of this [M/H]."""

PLANE_KPC = 5.0
"""Height below which most stars are."""

_FROM_PARALLAX = ("parallax", "geometric")
_NEEDS = ("distance", "distance_geo", "distance_geo_16", "distance_geo_84", "m_h")
_SAMPLE = "stars with d_geo < 4 kpc, d_geo/σ > 20, -0.9 < [M/H] < 0.5"


def geometric_error(survey: Survey) -> FloatArray:
    """Half the interval from the 16th to the 84th percentile of the geometric distance, in kpc."""
    return 0.5 * (survey["distance_geo_84"] - survey["distance_geo_16"])


def of_metallicity(survey: Survey) -> BoolArray:
    """Stars of the paper's range of [M/H] with both distances: the grey sample of Figure 7."""
    low, high = METALLICITY
    return survey.known("distance", "distance_geo") & (survey["m_h"] > low) & (survey["m_h"] < high)


def reliable(survey: Survey) -> BoolArray:
    """The paper's sample of reliable geometric distances: the black one of Figure 7."""
    near = survey["distance_geo"] < NEAR_KPC
    with np.errstate(invalid="ignore", divide="ignore"):
        precise = survey["distance_geo"] / geometric_error(survey) > MIN_GEOMETRIC_SNR
    return of_metallicity(survey) & near & precise


def relative_difference(survey: Survey) -> FloatArray:
    """Our distance over the geometric one minus 1, in per cent; NaN where ours is the geometric one."""
    own = ~np.isin(survey.words("distance_from"), _FROM_PARALLAX)
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = 100.0 * (survey["distance"] / survey["distance_geo"] - 1.0)
    return np.where(own, relative, np.nan)


def not_independent(survey: Survey) -> str:
    """Why our distances and those from parallaxes are no two measurements; "" where they are."""
    reason = survey.skipped("distance")
    if reason:
        return f"distances were not measured here: {reason}"
    if survey.setting("distance", "parallax"):
        return "both use the same parallaxes: build with distance.parallax = false"
    return ""


def _measured_here(survey: Survey) -> str:
    reason = survey.skipped("distance")
    return f"distances were not measured here: {reason}" if reason else ""


def _median(survey: Survey) -> Estimate:
    return median(relative_difference(survey)[reliable(survey)])


def _low(survey: Survey) -> Estimate:
    return percentile(relative_difference(survey)[reliable(survey)], 16.0)


def _high(survey: Survey) -> Estimate:
    return percentile(relative_difference(survey)[reliable(survey)], 84.0)


def _trend(survey: Survey) -> Estimate:
    rows = reliable(survey)
    return rank_correlation(survey["distance_geo"][rows], relative_difference(survey)[rows])


def _stated(survey: Survey) -> Estimate:
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = 50.0 * (survey["distance_84"] - survey["distance_16"]) / survey["distance"]
    return median(relative[survey.giants])


def _within(survey: Survey) -> Estimate:
    rows = reliable(survey) & np.isfinite(relative_difference(survey))
    half = 0.5 * (survey["distance_84"] - survey["distance_16"])
    error = np.hypot(half, geometric_error(survey))[rows]
    difference = np.abs(survey["distance"] - survey["distance_geo"])[rows]
    return share(difference[np.isfinite(error)] < error[np.isfinite(error)])


def _near_plane(survey: Survey) -> Estimate:
    return share(np.abs(survey["z_gal"][survey.giants & survey.known("z_gal")]) < PLANE_KPC)


def _arms(survey: Survey) -> Estimate:
    arms = survey.products.overlays.get("spiral_arms")
    names = np.array([]) if arms is None else arms["arm"].unique()
    return exact_number(np.ones(len(names), np.bool_))


STATEMENTS = (
    PaperStatement(
        *("distance-median", "3.3", "median of (d - d_geo)/d_geo", printed(0.2, 0.1, "%"), _median, _NEEDS),
        *(_SAMPLE, "7"),
        refuse=not_independent,
    ),
    PaperStatement(
        *("distance-16", "3.3", "16th percentile of (d - d_geo)/d_geo", printed(-21.2, 0.1, "%"), _low, _NEEDS),
        *(_SAMPLE, "7"),
        refuse=not_independent,
    ),
    PaperStatement(
        *("distance-84", "3.3", "84th percentile of (d - d_geo)/d_geo", printed(27.5, 0.1, "%"), _high, _NEEDS),
        *(_SAMPLE, "7"),
        refuse=not_independent,
    ),
    PaperStatement(
        *("distance-trend", "3.3", "rank correlation of (d - d_geo)/d_geo with d_geo"),
        Claim("no significant relation", 0.0, 0.0, "", 3, 0.0),
        _trend,
        _NEEDS,
        _SAMPLE,
        figure="7",
        refuse=not_independent,
    ),
    PaperStatement(
        *("distance-error", "abstract", "relative error of the distance", printed(25, 1, "%", about=True), _stated),
        *(("distance", "distance_16", "distance_84"), "median of half the interval from 16 to 84 % over the distance"),
        refuse=_measured_here,
    ),
)
"""Distances, in the order of the paper."""

COVERAGE = (
    PaperStatement(
        *("coverage-distance", "Table A1", "distance within its stated error of the geometric one", standard_error()),
        *(_within, (*_NEEDS, "distance_16", "distance_84"), f"fraction of {_SAMPLE}, errors of both in quadrature"),
        refuse=not_independent,
    ),
)
"""Stated errors of distances."""

SPACE = (
    PaperStatement(
        *("near-plane", "4", "M giants within 5 kpc of the plane", above(50.0, "most", "%"), _near_plane, ("z_gal",)),
        *("fraction of the M giants", "8"),
        by_construction="the shares of disc, halo and stream are set",
    ),
    PaperStatement(
        *("spiral-arms", "4.1", "spiral arms over the disc maps", exactly(5), _arms, ()),
        *("arms of the overlay (ours: Reid et al. 2019, the paper's: Chen et al. 2019)", "9"),
        counts=True,
    ),
)
"""Positions in the Galaxy."""
