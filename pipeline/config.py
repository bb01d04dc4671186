"""The configuration of a run: frozen values read from TOML, units in the field names, unknown keys refused."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pipeline.domain.frames import PECULIAR_V_KMS
from pipeline.domain.label_names import LABEL_NAMES
from pipeline.domain.names import RULE, file_name, is_run_name
from pipeline.input_config import ConfigError, InputConfig, SourceConfig, one_of

__all__ = ["ConfigError", "InputConfig", "RunConfig", "SourceConfig", "load_config", "shipped_configurations"]

LABEL_ENGINES = ("slam", "direct", "joint")
LABEL_SOLVERS = ("admm", "sklearn", "ridge")
LABEL_ESTIMATES = ("maximum", "mean")
LABEL_ERRORS = ("calibrated", "cv-scatter")

HIGHEST_BIT = 62
"""Of flags that are stored as signed 64-bit integers."""

VELOCITY_REFERENCES = ("best", "gaia", "reference")
ZERO_POINT_GROUPS = ("night", "plate", "spectrograph", "plate and spectrograph")
DISTANCE_CALIBRATIONS = ("parsec", "colour-law", "cluster-line")
DUST_CHOICES = (
    *("bh-or-disc", "bh", "exponential-disc"),
    *("bayestar2019", "bayestar2017", "bayestar2015", "chen2014", "sfd", "combined19", "green19", "sightlines"),
)


@dataclass(frozen=True)
class SpectraConfig:
    """Common grid and pseudo-continuum."""

    first_angstrom: float = 4500.0
    last_angstrom: float = 8950.0
    normalise: bool = True
    continuum_half_power_angstrom: float = 220.0
    continuum_clip_low: float = 1.0
    continuum_clip_high: float = 3.0
    continuum_passes: int = 3
    masked_windows_angstrom: tuple[tuple[float, float], ...] = ((5570.0, 5590.0), (6295.0, 6310.0), (7590.0, 7700.0))


@dataclass(frozen=True)
class VelocityConfig:
    """Radial velocities."""

    first_angstrom: float = 8000.0
    last_angstrom: float = 8950.0
    max_velocity_kms: float = 800.0
    step_kms: float = 20.0
    templates: str = "data-driven"
    template_wavelengths: str = "vacuum"
    extra_templates: str = "fetched"
    sky_residuals: bool = True
    loss_sigma: float = 3.0
    line_information: float = 0.1
    scale_errors: bool = True
    reference: str = "best"
    zero_point_group: str = "plate and spectrograph"
    apply_zero_points: bool = False


@dataclass(frozen=True)
class SelectionConfig:
    """Cuts that make a star an M giant (paper section 2.1)."""

    max_tio5: float = 0.92
    dwarf_margin: float = 0.10
    dwarf_margin_alone: float = 0.15
    min_jk0_mag: float = 0.80
    max_w1w2_mag: float = 0.12
    min_parallax_snr: float = 3.0
    brightest_dwarf_k_mag: float = 1.0


@dataclass(frozen=True)
class LabelConfig:
    """Which labels, the engines, SLAM's solver and grid, the training cuts of paper section 2.2.

    ``reference_label_bits`` and ``reference_star_bits`` are bits of ``ref_label_flags`` and ``ref_star_flags`` that
    exclude a star from training. The defaults are APOGEE's: STAR_BAD of ASPCAPFLAG; BAD_PIXELS, VERY_BRIGHT_NEIGHBOR,
    BAD_RV_COMBINATION, RV_REJECT and RV_FAIL of STARFLAG. A limit of 0 on the reference's S/N or scatter is none.
    """

    names: tuple[str, ...] = ("teff", "logg", "m_h", "alpha_m")
    engine: str = "slam"
    solver: str = "admm"
    networks: int = 8
    spectrum_components: int = 60
    c_grid: tuple[float, ...] = (1.0, 10.0)
    gamma_grid: tuple[float, ...] = (0.03, 0.1, 0.3)
    epsilon_grid: tuple[float, ...] = (0.05,)
    folds: int = 5
    out_of_fold_models: int = 10
    errors: str = "calibrated"
    final_precision: str = "float64"
    second_start: str = "poor"
    prior: str = "flat"
    estimate: str = "maximum"
    flux_softening: float = 0.0
    nuisance_modes: int = 0
    noise_modes: int = 0
    prescreen_margin: float = 0.0
    seed: int = 3670
    max_training_stars: int = 3670
    min_snr: float = 50.0
    reference_label_bits: tuple[int, ...] = (23,)
    reference_star_bits: tuple[int, ...] = (0, 3, 18, 19, 22)
    min_reference_snr: float = 0.0
    max_reference_rv_scatter_kms: float = 0.0
    max_teff_error_k: float = 20.0
    max_logg_error_dex: float = 0.1
    max_m_h_error_dex: float = 0.1
    max_alpha_m_error_dex: float = 0.05


@dataclass(frozen=True)
class DistanceConfig:
    """Distances.

    ``isochrones`` are files of the CMD web form; none means the embedded branches. ``dust_file`` is the map's file or
    its folder; empty means the folder of downloads. Without ``photometric`` nothing is measured from J and Ks: for
    catalogues that hold other stars than giants.
    """

    photometric: bool = True
    calibration: str = "parsec"
    isochrones: tuple[str, ...] = ()
    ages: str = "chemistry"
    isochrone_age_gyr: float = 3.0
    dust: str = "bh-or-disc"
    dust_file: str = ""
    dust_relative_error: float = 0.3
    column_relative_error: float = 0.15
    colour_scatter_mag: float = 0.02
    spectral_colour: bool = True
    draws: int = 200
    parallax: bool = True
    input_m_h_error_dex: float = 0.15
    wrong_m_h_share: float = 0.1
    default_m_h: float = -0.2
    default_m_h_error_dex: float = 0.3
    far_m_h: float = -0.7
    far_m_h_error_dex: float = 0.25
    default_magnitude_error_mag: float = 0.022


@dataclass(frozen=True)
class CustomFrameConfig:
    """Where the Sun is and how it moves (U to the centre, V with the rotation, W north), for ``frame = "custom"``."""

    r0_kpc: float = 0.0
    z_sun_kpc: float = 0.0
    v_sun_kms: tuple[float, float, float] = (0.0, 0.0, 0.0)
    source: str = ""


@dataclass(frozen=True)
class StreamColumnsConfig:
    """The columns of a particle table: ``NAME``, ``-NAME`` for the other sign, ``NAME [unit]``; "" for none."""

    ra: str = ""
    dec: str = ""
    glon: str = ""
    glat: str = ""
    distance: str = ""
    pmra: str = ""
    pmdec: str = ""
    rv: str = ""
    v_gsr: str = ""
    x_gal: str = ""
    y_gal: str = ""
    z_gal: str = ""
    v_x: str = ""
    v_y: str = ""
    v_z: str = ""
    stripped_gyr: str = ""


@dataclass(frozen=True)
class KinematicsConfig:
    """Frame, potential, stream and maps. ``stream_model`` is a file of particles; "" means that we integrate some."""

    frame: str = "paper"
    custom_frame: CustomFrameConfig = field(default_factory=CustomFrameConfig)
    potential: str = "MWPotential2014"
    actions: bool = True
    draws: int = 100
    membership: bool = True
    stream_model: str = ""
    stream_columns: StreamColumnsConfig = field(default_factory=StreamColumnsConfig)
    stream_particles: int = 2000
    map_half_width_kpc: float = 20.0
    map_cell_kpc: float = 0.5
    map_min_stars: int = 10


@dataclass(frozen=True)
class RunConfig:
    """A whole run."""

    name: str
    input: InputConfig = field(default_factory=InputConfig)
    spectra: SpectraConfig = field(default_factory=SpectraConfig)
    velocity: VelocityConfig = field(default_factory=VelocityConfig)
    labels: LabelConfig = field(default_factory=LabelConfig)
    selection: SelectionConfig = field(default_factory=SelectionConfig)
    distance: DistanceConfig = field(default_factory=DistanceConfig)
    kinematics: KinematicsConfig = field(default_factory=KinematicsConfig)
    folder: Path = field(default=Path(), metadata={"internal": True})

    def __post_init__(self) -> None:
        """Refuse values that no stage could use."""
        if not is_run_name(self.name):
            raise ConfigError(f"name must be {RULE}: products are written under it; found {self.name!r:.80}.")
        self.input.check()
        one_of("distance.calibration", self.distance.calibration, DISTANCE_CALIBRATIONS)
        one_of("distance.ages", self.distance.ages, ("chemistry", "single"))
        one_of("distance.dust", self.distance.dust, DUST_CHOICES)
        _check_metallicity(self.distance)
        _check_velocity(self.velocity)
        _check_labels(self.labels)
        if not 0 < self.spectra.first_angstrom < self.spectra.last_angstrom:
            raise ConfigError(
                f"spectra.first_angstrom must be below spectra.last_angstrom; found {self.spectra.first_angstrom} and "
                f"{self.spectra.last_angstrom}."
            )
        _check_frame(self.kinematics.frame, self.kinematics.custom_frame)
        if self.kinematics.stream_columns != StreamColumnsConfig() and not self.kinematics.stream_model:
            raise ConfigError("kinematics.stream_columns names columns of no file: set kinematics.stream_model too.")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for the manifest and for fingerprints."""
        plain = dataclasses.asdict(self)
        del plain["folder"]
        return plain


def shipped_configurations() -> dict[str, Path]:
    """The configurations that ship with the program, by name."""
    folder = files("pipeline") / "configurations"
    return {Path(str(item)).stem: Path(str(item)) for item in folder.iterdir() if str(item).endswith(".toml")}


def load_config(name_or_path: str) -> RunConfig:
    """Read a configuration.

    Parameters
    ----------
    name_or_path : str
        A TOML file, or the name of a shipped configuration.

    Raises
    ------
    ConfigError
        If there is none, it is not TOML, or a key is unknown or has the wrong type.
    """
    shipped = shipped_configurations()
    path = Path(name_or_path)
    if not path.is_file() and name_or_path in shipped:
        path = shipped[name_or_path]
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError):
        raise ConfigError(
            f"No configuration {name_or_path!r}: neither a TOML file nor one of {', '.join(sorted(shipped))}."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error
    raw.setdefault("name", file_name(path.stem))
    config: RunConfig = _build(RunConfig, raw, "", str(path))
    return dataclasses.replace(config, folder=path.parent.resolve())


Section = TypeVar("Section")


def section(kind: type[Section], raw: dict[str, Any], name: str) -> Section:
    """A part of a configuration from plain values, such as those of a manifest.

    Raises
    ------
    ConfigError
        If a key is unknown or has the wrong type.
    """
    made: Section = _build(kind, raw, f"{name}.", "the manifest")
    return made


def _check_velocity(velocity: VelocityConfig) -> None:
    one_of("velocity.template_wavelengths", velocity.template_wavelengths, ("vacuum", "air"))
    one_of("velocity.reference", velocity.reference, VELOCITY_REFERENCES)
    one_of("velocity.zero_point_group", velocity.zero_point_group, ZERO_POINT_GROUPS)
    for key in ("loss_sigma", "line_information"):
        if not 0.0 <= (value := getattr(velocity, key)) < math.inf:
            raise ConfigError(f"velocity.{key} must be 0 or more; found {value}.")


def _check_labels(labels: LabelConfig) -> None:
    for name in labels.names:
        one_of("labels.names", name, LABEL_NAMES)
    for key in ("reference_label_bits", "reference_star_bits"):
        _check_bits(f"labels.{key}", getattr(labels, key))
    if labels.engine in LABEL_SOLVERS:
        raise ConfigError(f'labels.engine = "{labels.engine}" is the solver of SLAM: set labels.solver to it instead.')
    one_of("labels.engine", labels.engine, LABEL_ENGINES)
    one_of("labels.solver", labels.solver, LABEL_SOLVERS)
    one_of("labels.errors", labels.errors, LABEL_ERRORS)
    for key in ("networks", "spectrum_components"):
        if getattr(labels, key) < 1:
            raise ConfigError(f"labels.{key} must be at least 1; found {getattr(labels, key)}.")
    one_of("labels.final_precision", labels.final_precision, ("float32", "float64"))
    one_of("labels.second_start", labels.second_start, ("all", "poor", "none"))
    one_of("labels.prior", labels.prior, ("flat", "density"))
    one_of("labels.estimate", labels.estimate, LABEL_ESTIMATES)
    if labels.estimate == "mean" and labels.prior != "density":
        raise ConfigError(
            f'labels.estimate = "mean" needs labels.prior = "density"; found labels.prior = "{labels.prior}".'
        )
    for key in ("nuisance_modes", "noise_modes"):
        if getattr(labels, key) < 0:
            raise ConfigError(f"labels.{key} must be 0 or more; found {getattr(labels, key)}.")


def _check_bits(key: str, bits: tuple[int, ...]) -> None:
    if strange := [bit for bit in bits if not 0 <= bit <= HIGHEST_BIT]:
        raise ConfigError(f"{key} holds numbers of bits, 0 to {HIGHEST_BIT}; found {strange}.")


def _check_metallicity(distance: DistanceConfig) -> None:
    for key in ("input_m_h_error_dex", "default_m_h_error_dex", "far_m_h_error_dex"):
        if not getattr(distance, key) > 0.0:
            raise ConfigError(f"distance.{key} must be above 0; found {getattr(distance, key)}.")
    if not 0.0 <= distance.wrong_m_h_share < 1.0:
        raise ConfigError(f"distance.wrong_m_h_share is a share, 0 to below 1; found {distance.wrong_m_h_share}.")


def _check_frame(name: str, custom: CustomFrameConfig) -> None:
    key = "kinematics.custom_frame"
    if name != "custom":
        if custom != CustomFrameConfig():
            raise ConfigError(
                f'{key} is given, but kinematics.frame is {name!r}; set it to "custom" or drop the table.'
            )
        return
    if not all(map(math.isfinite, (custom.r0_kpc, custom.z_sun_kpc, *custom.v_sun_kms))):
        raise ConfigError(f"{key} must be finite; found {custom}.")
    if not custom.r0_kpc > abs(custom.z_sun_kpc):
        raise ConfigError(
            f"{key}.r0_kpc must be positive and above abs(z_sun_kpc); found {custom.r0_kpc} and {custom.z_sun_kpc}."
        )
    if custom.v_sun_kms[1] <= PECULIAR_V_KMS:
        raise ConfigError(
            f"{key}.v_sun_kms holds the Sun's whole motion (U, V, W); V must be above its peculiar {PECULIAR_V_KMS} "
            f"km/s, because the potential is scaled to the rest; found {list(custom.v_sun_kms)}."
        )
    if not custom.source:
        raise ConfigError(f"{key}.source must say where its numbers come from; it stands in the manifest.")


def _build(kind: type, raw: dict[str, Any], prefix: str, source: str) -> Any:
    hints = get_type_hints(kind)
    known = {item.name for item in dataclasses.fields(kind) if not item.metadata.get("internal")}
    values = {}
    for key, value in raw.items():
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Known here: {', '.join(sorted(known))}."
            raise ConfigError(f"{source}: unknown key {prefix + key!r}.{hint}")
        wanted = hints[key]
        values[key] = _convert(value, wanted, prefix + key, source)
    return kind(**values)


def _convert(value: Any, wanted: Any, key: str, source: str) -> Any:
    if get_origin(wanted) in (Union, UnionType):  # a truth value, or a list of names
        kinds = get_args(wanted)
        wanted = kinds[0] if type(value) is kinds[0] else kinds[1]
    if get_origin(wanted) is tuple:
        return _convert_list(value, get_args(wanted), key, source)
    if dataclasses.is_dataclass(wanted) or get_origin(wanted) is dict:
        if not isinstance(value, dict):
            raise ConfigError(f"{source}: {key!r} must be a table; found {value!r}.")
        return _build(wanted, value, f"{key}.", source) if isinstance(wanted, type) else value
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not wanted:
        raise ConfigError(f"{source}: {key!r} must be {wanted.__name__}; found {value!r}.")
    return value


def _convert_list(value: Any, inner: tuple[Any, ...], key: str, source: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{source}: {key!r} must be a list; found {value!r}.")
    kinds = [inner[0]] * len(value) if len(inner) == 2 and inner[1] is Ellipsis else list(inner)
    if len(kinds) != len(value):
        raise ConfigError(f"{source}: {key!r} must have {len(kinds)} entries; found {value!r}.")
    return tuple(_convert(item, one, key, source) for item, one in zip(value, kinds, strict=True))
