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
from pipeline.domain.settings import (
    CustomFrameConfig,
    DistanceConfig,
    KinematicsConfig,
    LabelConfig,
    SelectionConfig,
    SpectraConfig,
    StreamColumnsConfig,
    VelocityConfig,
)
from pipeline.input_config import ConfigError, InputConfig, SourceConfig, one_of

__all__ = [
    "ConfigError",
    "CustomFrameConfig",
    "DistanceConfig",
    "InputConfig",
    "KinematicsConfig",
    "LabelConfig",
    "RunConfig",
    "SelectionConfig",
    "SourceConfig",
    "SpectraConfig",
    "StreamColumnsConfig",
    "VelocityConfig",
    "load_config",
    "settings_table",
    "shipped_configurations",
]

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


def settings_table() -> str:
    """The README's table of settings, in Markdown, from the fields of the sections.

    Raises
    ------
    KeyError
        If a setting has no help text.
    """
    lines = ["| section | setting | default | meaning |", "|---|---|---|---|"]
    for part in dataclasses.fields(RunConfig):
        if isinstance(part.default_factory, type) and dataclasses.is_dataclass(part.default_factory):
            lines += [
                f"| {part.name} | `{item.name}` | {_shown(item)} | {item.metadata['help']} |"
                for item in dataclasses.fields(part.default_factory)
            ]
    return "\n".join(lines)


def _shown(item: dataclasses.Field[Any]) -> str:
    """A default as TOML writes it, without the quotes of texts; "none" for tables."""
    value = item.default
    if value is dataclasses.MISSING or item.name == "source":
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) or '""' if isinstance(value, str) else repr(value)


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
