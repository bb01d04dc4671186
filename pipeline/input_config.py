"""Input of a run: the user's spectra and tables, the simulated survey, or short forms of either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from pipeline.domain.columns import BY_NAME
from pipeline.domain.section import ConfigError, Limits, Section, setting
from pipeline.sources.tables.profiles import ProfileError, Recipe, recipe_from

MATCH_RADIUS_ARCSEC = 1.5
MAX_RADIUS_ARCSEC = 60.0


@dataclass(frozen=True)
class SourceConfig(Section):
    """One file or folder of a group's own: spectra, or a table of any format."""

    spectra: str = setting(
        "",
        "folder of LAMOST FITS spectra, any layout, any depth; or a table of Gaia XP spectra. Relative to the "
        "configuration, else below `MGIANT_DATA`, else below the downloads; `~` is your home",
    )
    obsids: str = setting("", "table whose obsids restrict the spectra that are read")
    table: str = setting(
        "", "table of stars: FITS, VOTable, Parquet, ECSV, CSV, TSV, pipe-separated, CDS, plain or gzipped"
    )
    columns: dict[str, Any] = field(
        default_factory=dict,
        metadata={
            "help": 'ours = "theirs", or a table of `column` (`columns` of two), `unit`, `missing`, `below`, `above`, '
            '`operation` (`take`, `difference`, `redshift`, `flags` with `bits`); ours = "" takes none'
        },
    )
    match: str = setting(
        "best",
        "matching of its rows to stars: by `obsid`, `gaia` (DR3 with DR3, DR2 with DR2), on the `sky`, or the best of "
        "these",
        choices=("best", "obsid", "gaia", "sky"),
    )
    radius_arcsec: float = setting(
        MATCH_RADIUS_ARCSEC,
        "radius of matches on the sky, after both sides are moved to one epoch by their proper motions",
        limits=Limits(above=0.0, at_most=MAX_RADIUS_ARCSEC),
    )
    epoch: float = setting(0.0, "Julian year of its positions, if neither the table nor its schema states it")
    keep: bool | tuple[str, ...] = setting(
        (),
        "other columns that are kept: true, false, or names; by default all of an unknown table, few of a known one",
        shown="as the schema says",
    )
    unmatched: str = setting(
        "drop",
        "whether rows that match no star become stars: `drop` or, in a run without spectra, `add`",
        choices=("drop", "add"),
    )
    labels: str = setting(
        "",
        "use of labels and velocity of an unknown table: `reference` values for training, `finished` ones to publish, "
        'or `other`; "" for finished without spectra, for other with spectra',
        choices=("", "reference", "other", "finished"),
    )
    name: str = setting("", "name for the match columns and for own columns whose names collide", shown="the file's")

    @property
    def recipes(self) -> dict[str, Recipe]:
        """The user's own mapping, without what the user does not want."""
        return {
            ours: recipe_from(value, f"columns.{ours}", "configured") for ours, value in self.columns.items() if value
        }

    @property
    def refused(self) -> tuple[str, ...]:
        """Columns of ours that must not be taken from this table."""
        return tuple(ours for ours, value in self.columns.items() if not value)

    def check(self, where: str) -> None:
        """Refuse what no build could use, and settings that would be ignored."""
        super().check(where)
        if bool(self.spectra) == bool(self.table):
            raise ConfigError(
                f"{where} needs either spectra = FOLDER or table = FILE; found {'both' if self.table else 'neither'}."
            )
        for name, on in self._ignored():
            raise ConfigError(
                f"{where}.{name} has no effect on {on}; drop it, or give it to the source that it is meant for."
            )
        if self.epoch and not 1850.0 < self.epoch < 2150.0:
            raise ConfigError(f"{where}.epoch is a Julian year such as 2016.0; found {self.epoch}.")
        self._check_columns(where)

    def _check_columns(self, where: str) -> None:
        for ours, value in self.columns.items():
            if ours not in BY_NAME:
                near = get_close_matches(ours, BY_NAME, n=1)
                raise ConfigError(
                    f"{where}.columns.{ours} is no column of the catalogue."
                    + (
                        f" Did you mean {near[0]!r}?"
                        if near
                        else " Columns of your own need no mapping: they are kept."
                    )
                )
            if value:
                try:
                    recipe_from(value, f"{where}.columns.{ours}", "configured")
                except ProfileError as error:
                    raise ConfigError(str(error)) from error

    def _ignored(self) -> Iterator[tuple[str, str]]:
        """Settings that would have no effect, and on what."""
        plain = SourceConfig()
        if self.spectra:
            for name in ("columns", "match", "radius_arcsec", "epoch", "keep", "unmatched", "labels", "name"):
                if getattr(self, name) != getattr(plain, name):
                    yield name, "spectra"
        if self.table and self.obsids:
            yield "obsids", "a table"
        if self.match in ("obsid", "gaia") and self.radius_arcsec != plain.radius_arcsec:
            yield "radius_arcsec", f"match = {self.match!r}"


@dataclass(frozen=True)
class InputConfig(Section):
    """Input of a run.

    ``source`` lists files of a group's own, or ``kind`` is one of mock (simulated) and, as short forms of such lists,
    lamost-fits (a folder of FITS spectra with tables), gaia-xp (the fetched library) or table (tables alone). Paths are
    relative to the configuration file, or else to the folder named by ``MGIANT_DATA``, or to that of the downloads.
    """

    kind: str = setting(
        "",
        '"": `sources` where there are some, else `mock`. Short forms: `lamost-fits` (a folder of '
        "spectra, and tables), `gaia-xp` (the fetched library), `table` (tables alone)",
        choices=("mock", "sources", "lamost-fits", "gaia-xp", "table"),
    )
    source: tuple[SourceConfig, ...] = setting((), 'list of a group\'s own files, see "Your own survey"', shown="none")
    spectra: str = setting("", "for `lamost-fits`: folder of FITS spectra")
    tables: tuple[str, ...] = setting(
        (),
        "for `lamost-fits` and `table`: tables to join, the first one contains the stars where there are no spectra",
    )
    fetch: str = setting("", "name of the `fetch` that gets the files; an error names it, and each missing piece")
    n_stars: int = setting(3000, "for `mock`: simulated stars")
    n_training: int = setting(600, "for `mock`: simulated stars with reference labels of training quality")
    seed: int = setting(20230419, "seed of the simulation and of the stream model")

    def __post_init__(self) -> None:
        """Without a kind it is the list of sources where there is one, else the simulated survey."""
        if not self.kind:
            object.__setattr__(self, "kind", "sources" if self.source else "mock")

    def sources(self) -> tuple[SourceConfig, ...]:
        """The list of sources that lamost-fits and table are short forms of."""
        spectra = (SourceConfig(spectra=self.spectra),) if self.spectra else ()
        tables = tuple(
            SourceConfig(table=path, unmatched="drop" if spectra or not number else "add")
            for number, path in enumerate(self.tables)
        )
        return self.source or (*spectra, *tables)

    def check(self, where: str) -> None:
        """Refuse settings that this kind of input would ignore."""
        super().check(where)
        plain = InputConfig(kind=self.kind)
        used = {
            "mock": ("n_stars", "n_training"),
            "sources": ("source", "fetch"),
            "lamost-fits": ("spectra", "tables", "fetch"),
            "gaia-xp": ("tables",),
            "table": ("tables", "fetch"),
        }[self.kind]
        for name in ("source", "spectra", "tables", "fetch", "n_stars", "n_training"):
            if name not in used and getattr(self, name) != getattr(plain, name):
                remedy = f"name spectra and tables in [[{where}.source]]" if name != "source" else f"drop {where}.kind"
                raise ConfigError(f"{where}.{name} has no effect on {where}.kind = {self.kind!r}: {remedy}.")
        for name in used[:1]:
            if name in ("spectra", "source") and not getattr(self, name):
                raise ConfigError(f"{where}.{name} is empty: name the folder of spectra or the tables.")
        if self.kind == "table" and not self.tables:
            raise ConfigError(f"{where}.tables names no table.")
        for number, source in enumerate(self.source, 1):
            source.check(f"{where}.source[{number}]")
        if self.source and not any(source.spectra or source.table for source in self.source):
            raise ConfigError(f"{where}.source names no file.")
        self._check_added(where)

    def _check_added(self, where: str) -> None:
        """Refuse stars without a spectrum in a run of spectra, whose stages need one of each star."""
        added = [number for number, source in enumerate(self.source, 1) if source.unmatched == "add"]
        if added and any(source.spectra for source in self.source):
            raise ConfigError(
                f'{where}.source[{added[0]}].unmatched = "add" needs a run without spectra, for the stars that it adds '
                "have none. Drop it, or build the tables in a run of their own."
            )
