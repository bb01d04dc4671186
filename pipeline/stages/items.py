"""What stages take and give: columns, spectra, internal columns and files, as typed values.

A stage's ``needs``, ``optional`` and ``gives`` are tuples of these. The order check, the reasons for skipping, the
files that belong to a stage and ``python -m pipeline stages`` follow from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from pipeline.config import RunConfig
from pipeline.domain.columns import BY_NAME, column
from pipeline.domain.label_names import ENGINES
from pipeline.products.disk import remove
from pipeline.products.spectra import SpectrumStore, write_blank_models
from pipeline.stages.internal import LABEL_CONVERGED, Internal

LabelKind = Literal["label", "error", "formal error", "reference", "reference error"]
Grid = Literal["", "logarithmic", "other"]
"""Of the raw spectra: none, equal steps in the logarithm (LAMOST), or any other."""

_MAX_LISTED = 20


def label_columns(kind: LabelKind, names: tuple[str, ...]) -> tuple[str, ...]:
    """Columns of one kind for labels, in the order of the labels; a reference error may be undeclared."""
    reference = tuple(column(name).references[0].column for name in names)
    return {
        "label": names,
        "error": tuple(f"{name}_err" for name in names),
        "formal error": tuple(f"{name}_err_formal" for name in names),
        "reference": reference,
        "reference error": tuple(f"{name}_err" for name in reference),
    }[kind]


def engine_columns(engine: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Columns of one engine: its labels, then their errors, both in the order of the labels."""
    return (*(f"{name}_{engine}" for name in names), *(f"{name}_{engine}_err" for name in names))


class Available(Protocol):
    """What a build holds at one moment, or what a plan expects it to hold."""

    config: RunConfig

    def stars_with(self, names: tuple[str, ...]) -> int:
        """Number of stars that have a value in all of the columns."""
        ...

    def grid(self) -> Grid:
        """Wavelength grid of the raw spectra."""
        ...

    def has_rest_spectra(self) -> bool:
        """Whether rest-frame spectra are stored."""
        ...

    def has(self, internal: Internal[Any]) -> bool:
        """Whether a stage gave the internal column."""
        ...


class Item:
    """One thing that a stage takes or gives."""

    def missing(self, available: Available) -> str:
        """Reason why the item is absent, beginning with "needs"; "" where it is there."""
        raise NotImplementedError

    def columns(self, config: RunConfig) -> tuple[str, ...]:  # noqa: ARG002 - only columns of labels depend on it
        """Names of the published columns of the item."""
        return ()

    def internals(self) -> tuple[Internal[Any], ...]:
        """Internal columns of the item."""
        return ()

    def files(self) -> tuple[str, ...]:
        """Files or folders below the work folder of the item."""
        return ()

    def reset(self, work: Path) -> None:
        """Remove what an earlier run of the stage left of the item's files."""
        for name in self.files():
            remove(work / name)


class Columns(Item):
    """Columns of the catalogue that some star has.

    Parameters
    ----------
    *names : str
        Declared columns.
    called : str
        What they are together, for reasons; their names by default.
    least : int
        Number of stars that must have all of them.

    Raises
    ------
    KeyError
        If a column is not declared.
    """

    def __init__(self, *names: str, called: str = "", least: int = 1) -> None:
        self.names = tuple(column(name).name for name in names)
        self.called = called or " and ".join(names)
        self.least = least

    def missing(self, available: Available) -> str:
        """See :meth:`Item.missing`."""
        count = available.stars_with(self.names)
        if count >= self.least:
            return ""
        if self.least > 1:
            return f"needs {self.called} for at least {self.least} stars: {count} have that"
        return f"needs {self.called}: no star has {'them' if len(self.names) > 1 else 'one'}"

    def columns(self, config: RunConfig) -> tuple[str, ...]:  # noqa: ARG002 - the same for every configuration
        """See :meth:`Item.columns`."""
        return self.names

    def __str__(self) -> str:
        return ", ".join(self.names) if len(self.names) <= _MAX_LISTED else self.called


@dataclass(frozen=True)
class LabelColumns(Item):
    """The columns of one kind of every configured label."""

    kind: LabelKind

    def missing(self, available: Available) -> str:
        """See :meth:`Item.missing`."""
        names = self.columns(available.config)
        if available.stars_with(names):
            return ""
        return f"needs a {self.kind} of every label ({', '.join(names)}): no star has that"

    def columns(self, config: RunConfig) -> tuple[str, ...]:
        """See :meth:`Item.columns`."""
        return tuple(name for name in label_columns(self.kind, config.labels.names) if name in BY_NAME)

    def __str__(self) -> str:
        return f"each label's {self.kind}" if self.kind != "label" else "the configured labels"


@dataclass(frozen=True)
class EngineColumns(Item):
    """Both engines' labels and errors and how far they disagree; nothing where SLAM alone infers labels."""

    def missing(self, available: Available) -> str:
        """See :meth:`Item.missing`."""
        names = self.columns(available.config)
        if names and available.stars_with(names):
            return ""
        return "needs labels of two engines: no star has them"

    def columns(self, config: RunConfig) -> tuple[str, ...]:
        """See :meth:`Item.columns`."""
        if config.labels.engine == "slam":
            return ()
        return (*(name for one in ENGINES for name in engine_columns(one, config.labels.names)), "label_disagreement")

    def __str__(self) -> str:
        return "each engine's labels and errors and their disagreement"


class AnyOf(Item):
    """At least one of several items.

    Parameters
    ----------
    *items : Item
        The alternatives.
    called : str
        What they are together, for reasons.
    """

    def __init__(self, *items: Item, called: str) -> None:
        self.items, self.called = items, called

    def missing(self, available: Available) -> str:
        """See :meth:`Item.missing`."""
        if any(not item.missing(available) for item in self.items):
            return ""
        return f"needs {self.called}: no star has any"

    def columns(self, config: RunConfig) -> tuple[str, ...]:
        """See :meth:`Item.columns`."""
        return tuple(name for item in self.items for name in item.columns(config))

    def __str__(self) -> str:
        return f"any of ({' | '.join(str(item) for item in self.items)})"


class When(Item):
    """Items that a stage gives only where others are there.

    Parameters
    ----------
    needs : tuple of Item
        What must be there besides the stage's own needs.
    *gives : Item
        What the stage gives then.
    """

    def __init__(self, needs: tuple[Item, ...], *gives: Item) -> None:
        self.needs, self.given = needs, gives

    def columns(self, config: RunConfig) -> tuple[str, ...]:
        """See :meth:`Item.columns`."""
        return tuple(name for item in self.given for name in item.columns(config))

    def internals(self) -> tuple[Internal[Any], ...]:
        """See :meth:`Item.internals`."""
        return tuple(one for item in self.given for one in item.internals())

    def files(self) -> tuple[str, ...]:
        """See :meth:`Item.files`."""
        return tuple(name for item in self.given for name in item.files())

    def reset(self, work: Path) -> None:
        """See :meth:`Item.reset`."""
        for item in self.given:
            item.reset(work)

    def __str__(self) -> str:
        return f"{'; '.join(str(item) for item in self.given)} (with {'; '.join(str(item) for item in self.needs)})"


@dataclass(frozen=True)
class InputColumns(Item):
    """Every declared column: the input may bring any of them."""

    def columns(self, config: RunConfig) -> tuple[str, ...]:  # noqa: ARG002 - the same for every configuration
        """See :meth:`Item.columns`."""
        return tuple(BY_NAME)

    def missing(self, available: Available) -> str:  # noqa: ARG002 - a table may have any columns
        """See :meth:`Item.missing`."""
        return ""

    def __str__(self) -> str:
        return "every declared column that the input has"


@dataclass(frozen=True)
class RawSpectra(Item):
    """Spectra in the observed frame, one a row, as they were read.

    Parameters
    ----------
    logarithmic : bool
        Whether their pixels must be equal steps in the logarithm of the wavelength.
    """

    logarithmic: bool = False

    def missing(self, available: Available) -> str:
        """See :meth:`Item.missing`."""
        grid = available.grid()
        if not grid:
            return "needs spectra: the input has none"
        if self.logarithmic and grid != "logarithmic":
            return "needs spectra on a logarithmic grid: the resolution of the input's is too low for velocities"
        return ""

    def files(self) -> tuple[str, ...]:
        """See :meth:`Item.files`."""
        return ("raw",)

    def __str__(self) -> str:
        return "raw spectra on a logarithmic grid" if self.logarithmic else "raw spectra"


@dataclass(frozen=True)
class RestSpectra(Item):
    """Spectra in the rest frame, as they are published."""

    def missing(self, available: Available) -> str:
        """See :meth:`Item.missing`."""
        return "" if available.has_rest_spectra() else "needs spectra in the rest frame: none are stored"

    def files(self) -> tuple[str, ...]:
        """See :meth:`Item.files`."""
        names = ("wavelength.npy", "obsid.npy", "flux.npy", "ivar.npy", "mask.npy", "continuum.npy", "store.json")
        return tuple(f"draft/spectra/{name}" for name in names)

    def __str__(self) -> str:
        return "rest-frame spectra"


@dataclass(frozen=True)
class ModelSpectra(Item):
    """Spectra of the label fit beside the observed ones; NaN where there is no fit."""

    def missing(self, available: Available) -> str:
        """See :meth:`Item.missing`."""
        return "" if available.has(LABEL_CONVERGED) else "needs model spectra: no labels were fitted"

    def files(self) -> tuple[str, ...]:
        """See :meth:`Item.files`."""
        return ("draft/spectra/model.npy",)

    def reset(self, work: Path) -> None:
        """See :meth:`Item.reset`; a store of spectra always has models, NaN where there is no fit."""
        if SpectrumStore.exists(work / "draft"):
            write_blank_models(work / "draft").close()

    def __str__(self) -> str:
        return "model spectra"


@dataclass(frozen=True)
class Enabled(Item):
    """A setting that is neither false nor zero.

    Parameters
    ----------
    section, name : str
        Of the configuration.
    """

    section: str
    name: str

    def missing(self, available: Available) -> str:
        """See :meth:`Item.missing`."""
        value = getattr(getattr(available.config, self.section), self.name)
        return "" if value else f"needs {self}: it is {str(value).lower()}"

    def __str__(self) -> str:
        return f"{self.section}.{self.name}"


class Internals(Item):
    """Internal columns: for later stages, never published.

    Parameters
    ----------
    *columns : Internal
        Of :mod:`pipeline.stages.internal`.
    """

    def __init__(self, *columns: Internal[Any]) -> None:
        self._columns = columns

    def missing(self, available: Available) -> str:
        """See :meth:`Item.missing`."""
        absent = [one for one in self._columns if not available.has(one)]
        return f"needs {absent[0].description}: no stage gave it" if absent else ""

    def internals(self) -> tuple[Internal[Any], ...]:
        """See :meth:`Item.internals`."""
        return self._columns

    def __str__(self) -> str:
        return ", ".join(f"({one.name})" for one in self._columns)


class Files(Item):
    """Files or folders of the product.

    Parameters
    ----------
    *names : str
        Paths below the product directory.
    """

    def __init__(self, *names: str) -> None:
        self.names = names

    def files(self) -> tuple[str, ...]:
        """See :meth:`Item.files`."""
        return tuple(f"draft/{name}" for name in self.names)

    def __str__(self) -> str:
        return ", ".join(self.names)


def flattened(items: tuple[Item, ...]) -> Iterator[Item]:
    """Items with the contents of each :class:`When` in its place."""
    for item in items:
        if isinstance(item, When):
            yield from item.given
        else:
            yield item
