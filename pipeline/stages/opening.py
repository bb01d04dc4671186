"""Open star tables or a folder of spectra as products: ``python -m pipeline open FILE... --into DIR``.

First it is said how the columns are understood, then a quick product follows without orbits and stream membership, so
that the explorer can open, then the whole one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.config import ConfigError, InputConfig, RunConfig, SourceConfig, load_config
from pipeline.products.lock import OutputLock
from pipeline.products.manifest import Manifest
from pipeline.sources.folders import shown_name
from pipeline.sources.tables.star_columns import StarColumns
from pipeline.stages.declared import plan
from pipeline.stages.order import STAGES
from pipeline.stages.paths import data_path
from pipeline.stages.runner import build, measured_columns
from pipeline.stages.table_check import Understood, rendered, rendered_plan, understand

CONFIGURATION_NAME = "open.toml"
UNDERSTOOD_NAME = "understood.json"
LOCK_NAME = "open.lock"
QUICK_NAME, WHOLE_NAME = "quick", "product"

SLOW_STAGES = ("actions", "quantiles", "stream", "maps")
"""Stages that the quick product omits."""

MAX_ORBITS = 2_000_000
"""Maximum number of rows for which the complete product is made automatically."""

SPECTRA_COLUMNS = {"ra", "dec", "rv_input", "snr", "subclass", "object_class", "lmjd"}
"""Columns from headers of LAMOST spectra."""

MAX_MEMBERS = 200_000
"""Maximum number of rows for which stream membership is computed automatically."""

_DISTANCES = ("distance", "distance_input", "distance_geo", "parallax")


def open_files(
    paths: Sequence[Path], into: Path, progress_file: Path | None = None, *, quiet: bool = False
) -> Manifest:
    """Make products of files.

    Parameters
    ----------
    paths : sequence of Path
        Tables, the first of them the main one; or a folder of spectra, then tables to join. Not looked at where
        ``into`` holds a configuration already.
    into : Path
        Folder of the configuration, of what was understood, and of the products.
    progress_file : Path, optional
        Where progress goes as lines of JSON.
    quiet : bool
        Whether to show no progress bar.

    Returns
    -------
    Manifest
        Of the last product that was made.

    Raises
    ------
    ConfigError, TableError
        If the files cannot be used; ``understood.json`` then says what was understood before.
    OutputBusyError
        If another process opens files into the same folder.
    """
    into.mkdir(parents=True, exist_ok=True)
    with OutputLock(into, into / LOCK_NAME):
        return _open_files(paths, into, progress_file, quiet=quiet)


def _open_files(paths: Sequence[Path], into: Path, progress_file: Path | None, *, quiet: bool) -> Manifest:
    path = into / CONFIGURATION_NAME
    if not path.is_file():
        _write(path, _configuration(paths))
    config = load_config(str(path))
    kept: dict[str, StarColumns] = {}
    understood = _understand(config, kept)
    _write(into / UNDERSTOOD_NAME, json.dumps(_document(config, understood), ensure_ascii=False))
    if understood.error:
        raise ConfigError(understood.error)
    if "[distance]" not in path.read_text("utf-8") and not _has_spectra(config):
        photometric = not understood.columns & set(_DISTANCES)
        _write(path, path.read_text("utf-8") + f"\n[distance]\nphotometric = {str(photometric).lower()}\n")
        config = load_config(str(path))
        _write(into / UNDERSTOOD_NAME, json.dumps(_document(config, understood), ensure_ascii=False))
    options: dict[str, Any] = {"progress_file": progress_file, "quiet": quiet, "tables": dict(kept)}
    manifest = build(config, into / QUICK_NAME, without=SLOW_STAGES, checkpoints=False, phase="quick", **options)
    rows = max((table["rows"] for table in understood.tables), default=0)
    if rows > MAX_ORBITS:
        return manifest
    left_out = ("stream",) if rows > MAX_MEMBERS else ()
    return build(config, into / WHOLE_NAME, without=left_out, phase="full", **options)


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _has_spectra(config: RunConfig) -> bool:
    return any(source.spectra for source in config.input.sources())


def _configuration(paths: Sequence[Path]) -> str:
    """The configuration of files without corrections.

    Raises
    ------
    ConfigError
        If a path is not UTF-8: TOML cannot hold it.
    """
    for path in paths:
        if str(path.resolve()) != os.fsencode(path.resolve()).decode("utf-8", "replace"):
            raise ConfigError(
                f"{shown_name(path)}: its path is not UTF-8, which a configuration cannot hold. Rename it, or make a "
                "link to it under another name and open that."
            )
    lines = [f"name = {_quoted(paths[0].stem or paths[0].name)}"]
    for path in paths:
        key = "spectra" if path.is_dir() else "table"
        lines += ["", "[[input.source]]", f"{key} = {_quoted(str(path.resolve()))}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


def _understand(config: RunConfig, kept: dict[str, StarColumns]) -> Understood:
    def keep(source: SourceConfig, stars: StarColumns) -> None:
        kept[source.table] = stars

    return understand(
        config.input.sources(),
        lambda name: data_path(config, name),
        measured=measured_columns(config),
        has_spectra=_has_spectra(config),
        keep=keep,
    )


def _document(config: RunConfig, understood: Understood, *, spectra: bool | None = None) -> dict[str, Any]:
    """Content of ``understood.json``."""
    spectra = _has_spectra(config) if spectra is None else spectra
    columns = understood.columns | (SPECTRA_COLUMNS if spectra else set())
    planned = plan(STAGES, config, columns, "logarithmic" if spectra else "")
    return asdict(understood) | {
        "columns": sorted(understood.columns),
        "stages": [{"name": item.name, "reason": item.reason} for item in planned],
    }


@dataclass(frozen=True)
class Checked:
    """Result of ``tables check``.

    Parameters
    ----------
    understood : Understood
        The tables.
    document : dict
        The same with the stages, as JSON values.
    """

    understood: Understood
    document: dict[str, Any]

    def json(self) -> str:
        """Format as JSON."""
        return json.dumps(self.document, indent=1, ensure_ascii=False) + "\n"

    def text(self) -> str:
        """Format as text."""
        parts = [rendered(table) for table in self.understood.tables]
        planned = [(stage["name"], stage["reason"]) for stage in self.document["stages"]]
        return "\n\n".join([*parts, rendered_plan(planned)]) + "\n"


def check_tables(paths: Sequence[Path], *, spectra: bool = False) -> Checked:
    """Report the content of tables and the stages that can run; nothing is fitted or written.

    Parameters
    ----------
    paths : sequence of Path
        Tables, or one configuration whose sources are checked as it describes them.
    spectra : bool
        Whether the tables are for a build with spectra.

    Raises
    ------
    ConfigError
        If the configuration cannot be used. What is wrong with a table stands in the result.
    """
    if len(paths) == 1 and paths[0].suffix == ".toml":
        config = load_config(str(paths[0]))
    else:
        config = RunConfig(
            "check", InputConfig(source=tuple(SourceConfig(table=str(path.resolve())) for path in paths))
        )
    spectra = spectra or _has_spectra(config)
    understood = understand(
        config.input.sources(),
        lambda name: data_path(config, name),
        measured=measured_columns(config),
        has_spectra=spectra,
    )
    return Checked(understood, _document(config, understood, spectra=spectra))
