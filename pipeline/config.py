"""Configuration of a run: frozen values read from TOML; unknown keys are errors."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pipeline.domain.names import RULE, file_name, is_run_name
from pipeline.domain.section import ConfigError, Section
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
from pipeline.input_config import InputConfig, SourceConfig

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
        for item in dataclasses.fields(self):
            part = getattr(self, item.name)
            if isinstance(part, Section):
                part.check(item.name)

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
    for name, kind in sections().items():
        lines += [
            f"| {name} | `{item.name}` | {_shown(item)} | {item.metadata['help']} |"
            for item in dataclasses.fields(kind)
        ]
    return "\n".join(lines)


def sections() -> dict[str, type[Section]]:
    """All sections of a configuration, by their full names: a section is followed by the tables within it."""
    by_name: dict[str, type[Section]] = {}

    def add(kind: type, prefix: str) -> None:
        for name, hint in get_type_hints(kind).items():
            for part in (hint, *get_args(hint)):
                if isinstance(part, type) and issubclass(part, Section):
                    by_name[prefix + name] = part
                    add(part, f"{prefix}{name}.")

    add(RunConfig, "")
    return by_name


def _shown(item: dataclasses.Field[Any]) -> str:
    """A default as TOML writes it, without the quotes of texts; "none" for tables."""
    value = item.default
    if shown := item.metadata.get("shown"):
        return str(shown)
    if value is dataclasses.MISSING:
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


Part = TypeVar("Part", bound=Section)


def section(kind: type[Part], raw: dict[str, Any], name: str) -> Part:
    """A part of a configuration from plain values, such as those of a manifest.

    Raises
    ------
    ConfigError
        If a key is unknown or has the wrong type.
    """
    made: Part = _build(kind, raw, f"{name}.", "the manifest")
    return made


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
    return tuple(_convert(item, kind, key, source) for item, kind in zip(value, kinds, strict=True))
