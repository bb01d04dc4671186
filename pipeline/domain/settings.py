"""Sections of a run's configuration: every setting with its unit, default and help text.

The README's table of settings follows from these fields, and science takes a section as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from pipeline.domain.frames import PECULIAR_V_KMS
from pipeline.domain.label_names import LABEL_NAMES
from pipeline.domain.section import ConfigError, Limits, Section, setting

NOT_NEGATIVE = Limits(at_least=0.0)
POSITIVE = Limits(above=0.0)
POSITIVE_COUNT = Limits(at_least=1)
GRID = Limits(above=0.0, non_empty=True)
BITS = Limits(at_least=0, at_most=62)
"""Of flags that are stored as signed 64-bit integers."""

DUST_CHOICES = (
    *("bh-or-disc", "bh", "exponential-disc"),
    *("bayestar2019", "bayestar2017", "bayestar2015", "chen2014", "sfd", "combined19", "green19", "sightlines"),
)
SOLVERS = ("admm", "sklearn", "ridge")


@dataclass(frozen=True)
class SpectraConfig(Section):
    """Common grid and pseudo-continuum.

    The reference's smoothing p = 1e-6 on LAMOST pixels halves ripples of 220 Angstrom: the penalty lambda of a
    smoothing spline passes 1 / (1 + lambda k^4) of a ripple with wave number k. A pixel is left out of the next pass
    when its residual is below ``-continuum_clip_low`` or above ``continuum_clip_high`` robust standard deviations:
    absorption is dropped sooner than emission.
    """

    first_angstrom: float = setting(4500.0, "first wavelength of the fitted range (vacuum)")
    last_angstrom: float = setting(8950.0, "last wavelength of the fitted range")
    normalise: bool = setting(True, "divide by the pseudo-continuum")
    continuum_half_power_angstrom: float = setting(
        220.0, "wavelength of ripples that the smoothing halves; 220 is the reference’s p = 1e-6"
    )
    continuum_clip_low: float = setting(1.0, "lower clipping limit, in robust sigma")
    continuum_clip_high: float = setting(3.0, "upper clipping limit")
    continuum_passes: int = setting(3, "number of continuum fits")
    masked_windows_angstrom: tuple[tuple[float, float], ...] = setting(
        ((5570.0, 5590.0), (6295.0, 6310.0), (7590.0, 7700.0)),
        "observed-frame windows that are always masked (sky, telluric)",
    )

    def check(self, where: str) -> None:
        """Refuse limits in the wrong order."""
        super().check(where)
        if not 0 < self.first_angstrom < self.last_angstrom:
            raise ConfigError(
                f"{where}.first_angstrom must be below {where}.last_angstrom; found {self.first_angstrom} and "
                f"{self.last_angstrom}."
            )


@dataclass(frozen=True)
class VelocityConfig(Section):
    """Radial velocities."""

    first_angstrom: float = setting(8000.0, "first wavelength of the velocity range")
    last_angstrom: float = setting(8950.0, "last wavelength")
    max_velocity_kms: float = setting(800.0, "half-width of the search")
    step_kms: float = setting(20.0, "step of the CCF")
    templates: str = setting(
        "data-driven",
        "`synthetic`, `data-driven` (a SLAM model of the stars with reference labels, in addition "
        "to the synthetic ones; only the synthetic ones where fewer than 50 stars have labels), or a folder of "
        "PHOENIX, Castelli-Kurucz, BOSZ or FERRE files",
    )
    template_wavelengths: str = setting(
        "vacuum",
        "wavelengths of that folder, `vacuum` or `air`; the wrong choice shifts velocities by 82 km/s",
        choices=("vacuum", "air"),
    )
    extra_templates: str = setting(
        "fetched",
        "additional templates: `fetched` (MaStar giants, with TiO, if `fetch templates` has stored "
        'them), a file or folder of mean spectra in MaStar\'s layout or of such grids, or "" for none',
    )
    sky_residuals: bool = setting(
        True,
        "add residuals of the sky subtraction to the noise, learned from the run by plate and spectrograph "
        "(groups of fewer than 12 spectra: by plate, else over the whole run)",
    )
    loss_sigma: float = setting(
        3.0, "scale of the robust loss, in standard deviations; 0 for least squares", limits=NOT_NEGATIVE
    )
    line_information: float = setting(
        0.1,
        "pixels with this share of the highest velocity information around them have half weight where "
        "the fit is far worse than the noise; 0 for weights by noise alone",
        limits=NOT_NEGATIVE,
    )
    scale_errors: bool = setting(
        True, "scale `rv_err` to the scatter of repeat observations (at least 20 pairs); `rv_formal_err` is not scaled"
    )
    reference: str = setting(
        "best",
        "reference velocities for zero points and for the rest frame of template stars: `gaia` "
        "(`rv_gaia`), `reference` (`rv_ref`, APOGEE's; without those that its flags mark as bad), or "
        "`best`: Gaia's, else the reference's, else (for zero points) the header's",
        choices=("best", "gaia", "reference"),
    )
    zero_point_group: str = setting(
        "plate and spectrograph",
        "finest groups whose offsets from the reference are reported: `night`, `plate` (of a night), "
        "`plate and spectrograph`, or `spectrograph` over all nights; groups of fewer than 5 stars use "
        "the offset of the next wider group",
        choices=("night", "plate", "spectrograph", "plate and spectrograph"),
    )
    apply_zero_points: bool = setting(False, "subtract the zero points")


@dataclass(frozen=True)
class SelectionConfig(Section):
    """Cuts that make a star an M giant (paper section 2.1).

    ``dwarf_margin_alone`` grows by 0.25 times what TiO5 is below 0.8, to 0.05 more: of 57 real M dwarfs none is that
    far below, at S/N 20 neither; real M giants are 0.17 to 0.39 below. Giants are redder than ``min_jk0_mag`` and bluer
    than ``max_w1w2_mag`` (Li et al. 2016): 99 % of 195 real giants of the Sagittarius stream are above 0.90 and below
    0.10 mag.
    """

    max_tio5: float = setting(0.92, "upper limit of TiO5 of M stars")
    dwarf_margin: float = setting(
        0.10,
        "minimum difference between the dwarfs' TiO5 and that of M giants at the same CaH2 + CaH3 (Lépine et al. 2007)",
    )
    dwarf_margin_alone: float = setting(
        0.15, "the same for stars tested by neither colours nor parallax; up to 0.05 more for TiO5 below 0.8"
    )
    min_jk0_mag: float = setting(0.80, "lower limit of (J - Ks)0 of M giants")
    max_w1w2_mag: float = setting(0.12, "upper limit of (W1 - W2)0 of M giants")
    min_parallax_snr: float = setting(3.0, "number of errors subtracted from the parallax in the test for dwarfs")
    brightest_dwarf_k_mag: float = setting(1.0, "stars with fainter M_Ks in that test are dwarfs")


@dataclass(frozen=True)
class LabelConfig(Section):
    """Labels to infer, engines, SLAM's solver and grids, training cuts (paper section 2.2)."""

    names: tuple[str, ...] = setting(("teff", "logg", "m_h", "alpha_m"), "labels to infer", choices=LABEL_NAMES)
    engine: str = setting(
        "slam",
        "engine whose labels are published: `slam`, `direct` (networks) or `joint` (both combined); SLAM is "
        "always trained, because its spectra are drawn and used in refits",
        choices=("slam", "direct", "joint"),
    )
    solver: str = setting(
        "admm",
        "solver of SLAM: `admm` or `sklearn` (support-vector regression, a triple of the grids for each "
        "pixel), or `ridge` (kernel ridge regression with one C and gamma for all pixels; "
        "`epsilon_grid`, `final_precision` and `prescreen_margin` do not apply)",
        choices=SOLVERS,
    )
    networks: int = setting(
        8,
        "networks of the direct engine; the models that calibrate its errors have half as many",
        limits=POSITIVE_COUNT,
    )
    spectrum_components: int = setting(
        60, "maximum number of coefficients of a spectrum compressed by the direct engine", limits=POSITIVE_COUNT
    )
    c_grid: tuple[float, ...] = setting((1.0, 10.0), "candidate values of the penalty C", limits=GRID)
    gamma_grid: tuple[float, ...] = setting((0.03, 0.1, 0.3), "candidate values of the kernel width gamma", limits=GRID)
    epsilon_grid: tuple[float, ...] = setting((0.05,), "candidate values of the tube width epsilon", limits=GRID)
    folds: int = setting(5, "folds of the cross-validation", limits=Limits(at_least=2))
    out_of_fold_models: int = setting(10, "out-of-fold models that calibrate the errors")
    errors: str = setting(
        "calibrated",
        "`calibrated` on out-of-fold stars, or `cv-scatter`: the paper's CV scatter (Eq. 7) at a star's "
        "S/N, the same for all",
        choices=("calibrated", "cv-scatter"),
    )
    final_precision: str = setting(
        "float64", "precision of the final fit, `float32` or `float64`", choices=("float32", "float64")
    )
    second_start: str = setting(
        "poor", "stars that are fitted from a second start: `all`, `poor` or `none`", choices=("all", "poor", "none")
    )
    prior: str = setting(
        "flat",
        "prior over labels within the training range: `flat`, or the `density` of the training labels",
        choices=("flat", "density"),
    )
    estimate: str = setting(
        "maximum",
        'published labels: `maximum` or `mean` of the posterior; the mean needs `prior = "density"`',
        choices=("maximum", "mean"),
    )
    flux_softening: float = setting(
        0.0,
        "0 learns flux; s > 0 learns s arcsinh(flux / s), in which factors (extinction, calibration) are additive",
        limits=NOT_NEGATIVE,
    )
    nuisance_modes: int = setting(
        0,
        "maximum number of residual patterns shared by pixels that are learned and marginalised; 0 treats "
        "pixels as independent, as the paper does",
        limits=NOT_NEGATIVE,
    )
    noise_modes: int = setting(
        0,
        "maximum number of noise patterns, which grow with the star's own noise, that are learned and "
        "marginalised beside `nuisance_modes`, with the noise of each pixel scaled; 0 for the noise as stated",
        limits=NOT_NEGATIVE,
    )
    prescreen_margin: float = setting(
        0.0,
        "pre-selection by kernel ridge regression: gammas worse than the best by more than this fraction "
        "are not tried; 0 tries all",
    )
    seed: int = setting(3670, "seed of folds and of the choice of training stars")
    max_training_stars: int = setting(3670, "maximum number of training stars")
    min_snr: float = setting(50.0, "minimum S/N of training stars")
    reference_label_bits: tuple[int, ...] = setting(
        (23,),
        "bits of `ref_label_flags` that exclude a star from training: STAR_BAD of ASPCAPFLAG. Stars with "
        "`ref_bad` are never used for training",
        limits=BITS,
    )
    reference_star_bits: tuple[int, ...] = setting(
        (0, 3, 18, 19, 22),
        "bits of `ref_star_flags` that exclude it: BAD_PIXELS, VERY_BRIGHT_NEIGHBOR, BAD_RV_COMBINATION, "
        "RV_REJECT and RV_FAIL of STARFLAG",
        limits=BITS,
    )
    min_reference_snr: float = setting(
        0.0, "minimum S/N of the reference spectrum of training stars, where it is known; 0 for none"
    )
    max_reference_rv_scatter_kms: float = setting(
        0.0, "maximum `rv_ref_scatter` of training stars, where it is known, against binaries; 0 for none"
    )
    max_teff_error_k: float = setting(20.0, "maximum error of Teff of training stars")
    max_logg_error_dex: float = setting(0.1, "maximum error of log g of training stars")
    max_m_h_error_dex: float = setting(0.1, "maximum error of [M/H] of training stars")
    max_alpha_m_error_dex: float = setting(0.05, "maximum error of [α/M] of training stars")

    def check(self, where: str) -> None:
        """Refuse a solver given as the engine, and the mean of a posterior without Gaussians."""
        if self.engine in SOLVERS:
            raise ConfigError(
                f'{where}.engine = "{self.engine}" is the solver of SLAM: set {where}.solver to it instead.'
            )
        super().check(where)
        if self.estimate == "mean" and self.prior != "density":
            raise ConfigError(
                f'{where}.estimate = "mean" needs {where}.prior = "density"; found {where}.prior = "{self.prior}".'
            )


@dataclass(frozen=True)
class DistanceConfig(Section):
    """Distances, the dust in front of the stars, and what is assumed of [M/H] and age."""

    photometric: bool = setting(
        True, "measure distances from J and Ks (Eq. 8); `false` for catalogues that hold other stars than giants"
    )
    calibration: str = setting(
        "parsec", "`parsec`, `colour-law` or `cluster-line`", choices=("parsec", "colour-law", "cluster-line")
    )
    isochrones: tuple[str, ...] = setting((), "files of the CMD web form (see below); none: the embedded branches")
    ages: str = setting(
        "chemistry",
        "ages of the giants: `chemistry` draws them by population (described in "
        "`pipeline/science/space/ages.py`), `single` uses `isochrone_age_gyr` for all, as the paper does",
        choices=("chemistry", "single"),
    )
    isochrone_age_gyr: float = setting(3.0, "age for `single`, and of the branches over the HR diagram")
    dust: str = setting(
        "bh-or-disc",
        "dust map: `exponential-disc`, `bh`, `bh-or-disc` or one of those under Dust",
        choices=DUST_CHOICES,
    )
    dust_file: str = setting(
        "",
        "file of the map or its folder, beside the configuration, below `MGIANT_DATA` or the downloads; "
        "empty: the file that `fetch dust` stores",
    )
    dust_relative_error: float = setting(0.3, "relative error of the dust map")
    column_relative_error: float = setting(0.15, "the same where `bh` gives the column of the sightline")
    colour_scatter_mag: float = setting(0.02, "intrinsic spread of giants in (J - Ks)0 about their branch")
    spectral_colour: bool = setting(
        True,
        "weight the draws of dust and photometry by the (J - Ks)0 expected from Teff, log g and "
        "[M/H], learned from the catalogue's own stars with little dust; `false` for the paper's method",
    )
    draws: int = setting(200, "Monte Carlo draws for each star")
    parallax: bool = setting(
        True,
        "Gaia's parallax (RUWE up to 1.4) weights the draws; the manifest gives the number of stars; "
        "`false` leaves it out",
    )
    input_m_h_error_dex: float = setting(0.15, "error assumed for a given [M/H] without one", limits=POSITIVE)
    wrong_m_h_share: float = setting(
        0.1,
        "probability that a star's own [M/H] is wrong; draws from the prior have this weight",
        limits=Limits(at_least=0.0, below=1.0),
    )
    default_m_h: float = setting(-0.2, "mean of the prior on [M/H] within 4 kpc of the plane")
    default_m_h_error_dex: float = setting(0.3, "standard deviation of that prior", limits=POSITIVE)
    far_m_h: float = setting(-0.7, "mean of the prior on [M/H] farther from the plane")
    far_m_h_error_dex: float = setting(0.25, "standard deviation of that prior", limits=POSITIVE)
    default_magnitude_error_mag: float = setting(0.022, "error assumed for magnitudes without one")


@dataclass(frozen=True)
class CustomFrameConfig(Section):
    """Position and velocity of the Sun for ``frame = "custom"``.

    Velocities are U towards the centre, V along the rotation, W to the north.
    """

    r0_kpc: float = setting(0.0, "the Sun's distance from the Galactic centre")
    z_sun_kpc: float = setting(0.0, "its height above the plane")
    v_sun_kms: tuple[float, float, float] = setting(
        (0.0, 0.0, 0.0), "its total velocity: U to the centre, V with the rotation, W north"
    )
    source: str = setting("", "source of the numbers; kept in the manifest")

    def check(self, where: str) -> None:
        """Refuse a frame without a place, a motion or a source."""
        super().check(where)
        if not all(map(math.isfinite, (self.r0_kpc, self.z_sun_kpc, *self.v_sun_kms))):
            raise ConfigError(f"{where} must be finite; found {self}.")
        if not self.r0_kpc > abs(self.z_sun_kpc):
            raise ConfigError(
                f"{where}.r0_kpc must be positive and above abs(z_sun_kpc); found {self.r0_kpc} and {self.z_sun_kpc}."
            )
        if self.v_sun_kms[1] <= PECULIAR_V_KMS:
            raise ConfigError(
                f"{where}.v_sun_kms holds the Sun's whole motion (U, V, W); V must be above its peculiar "
                f"{PECULIAR_V_KMS} km/s, because the potential is scaled to the rest; found {list(self.v_sun_kms)}."
            )
        if not self.source:
            raise ConfigError(f"{where}.source must say where its numbers come from; the manifest keeps it.")


@dataclass(frozen=True)
class StreamColumnsConfig(Section):
    """Columns of a particle table: ``NAME``, ``-NAME`` to reverse the sign, ``NAME [unit]``; "" for none."""

    ra: str = setting("", "right ascension")
    dec: str = setting("", "declination")
    glon: str = setting("", "Galactic longitude")
    glat: str = setting("", "Galactic latitude")
    distance: str = setting("", "heliocentric distance")
    pmra: str = setting("", "proper motion in right ascension, times cos(dec)")
    pmdec: str = setting("", "proper motion in declination")
    rv: str = setting("", "heliocentric radial velocity")
    v_gsr: str = setting("", "radial velocity in the Galactic standard of rest")
    x_gal: str = setting("", "Galactocentric X")
    y_gal: str = setting("", "Galactocentric Y")
    z_gal: str = setting("", "Galactocentric Z")
    v_x: str = setting("", "Galactocentric velocity along X")
    v_y: str = setting("", "the same along Y")
    v_z: str = setting("", "the same along Z")
    stripped_gyr: str = setting("", "time since the particle was stripped")


@dataclass(frozen=True)
class KinematicsConfig(Section):
    """Frame, potential, stream and maps."""

    frame: str = setting("paper", "`paper`, `astropy v4.0`, `DB98 + 220` or `custom`")
    custom_frame: CustomFrameConfig = field(
        default_factory=CustomFrameConfig,
        metadata={"help": "a table with `r0_kpc`, `z_sun_kpc`, `v_sun_kms` (U, V, W) and `source`"},
    )
    potential: str = setting(
        "MWPotential2014", "`MWPotential2014` or `McMillan17` (slow: 0.88 s of one core a star, and 9 s to set up)"
    )
    actions: bool = setting(True, "compute actions and orbits (0.21 ms a star in `MWPotential2014`, on two busy cores)")
    draws: int = setting(100, "Monte Carlo draws a star for the quantiles of 6D, actions and orbits; 0 for none")
    membership: bool = setting(True, "compute the probability of the Sagittarius stream (0.6 ms of one core a star)")
    stream_model: str = setting("", "file of a Sagittarius stream model (see below); empty: one is integrated")
    stream_columns: StreamColumnsConfig = field(
        default_factory=StreamColumnsConfig, metadata={"help": "a table that assigns the columns of that file"}
    )
    stream_particles: int = setting(2000, "number of particles that are integrated, or drawn from a file")
    map_half_width_kpc: float = setting(20.0, "half-width of the disc maps")
    map_cell_kpc: float = setting(0.5, "side of a map cell")
    map_min_stars: int = setting(10, "minimum number of stars in a map cell")

    def check(self, where: str) -> None:
        """Refuse a frame or columns that would be ignored."""
        super().check(where)
        key = f"{where}.custom_frame"
        if self.frame == "custom":
            self.custom_frame.check(key)
        elif self.custom_frame != CustomFrameConfig():
            raise ConfigError(
                f'{key} is given, but {where}.frame is {self.frame!r}; set it to "custom" or drop the table.'
            )
        if self.stream_columns != StreamColumnsConfig() and not self.stream_model:
            raise ConfigError(f"{where}.stream_columns names columns of no file: set {where}.stream_model too.")
