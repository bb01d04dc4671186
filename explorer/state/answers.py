"""State of the dock below the views: its tab, the comparison, the fit and the foot of the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar

from explorer.model.damaged import brief, text_in
from explorer.model.samples import MAX_BINS, MAX_COLUMNS, REST, SELECTED, key_with_new_name
from explorer.model.screen import BarHeight, DockTab, FitKind, FootStatistic

_SomeChoice = TypeVar("_SomeChoice", bound=StrEnum)


@dataclass(frozen=True)
class CompareState:
    """Choices of the comparison.

    Parameters
    ----------
    first, second : str
        Keys of the samples, see :mod:`explorer.model.samples`.
    columns : tuple of str
        The compared columns; () takes a default.
    bins : int
        Bins of the histograms; 0 chooses them by the values.
    height : str
        Meaning of a bar's height.
    cumulative : bool
        Whether bars add up from the left.
    plane : tuple of str
        Columns of x and y of the difference map; () without one.
    """

    first: str = SELECTED
    second: str = REST
    columns: tuple[str, ...] = ()
    bins: int = 0
    height: BarHeight = BarHeight.FRACTION
    cumulative: bool = False
    plane: tuple[str, ...] = ()


@dataclass(frozen=True)
class FitState:
    """Choices of the fit.

    Parameters
    ----------
    sample : str
        Key of the sample.
    kind : str
        Running median and straight line of y on x, or a Gaussian of y.
    x, y : str
        Columns; "" takes a default.
    shown : bool
        Whether the fit is drawn in the views that show its columns.
    """

    sample: str = SELECTED
    kind: FitKind = FitKind.LINE
    x: str = ""
    y: str = ""
    shown: bool = True


@dataclass(frozen=True)
class DockState:
    """State of the dock.

    Parameters
    ----------
    tab : str
        The tab on screen.
    open : bool
        Whether its content is shown.
    compare : CompareState
        Choices of the comparison.
    fit : FitState
        Choices of the fit.
    foot : tuple of str
        Statistics at the foot of the table.
    """

    tab: DockTab = DockTab.TABLE
    open: bool = True
    compare: CompareState = field(default_factory=CompareState)
    fit: FitState = field(default_factory=FitState)
    foot: tuple[FootStatistic, ...] = (FootStatistic.N, FootStatistic.MEDIAN, FootStatistic.SCATTER)

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values; :func:`dock_from_dict` is the inverse."""
        return asdict(self)

    def with_new_name(self, name: str, new: str) -> DockState:
        """The state after a subset was renamed."""
        first, second, sample = (
            key_with_new_name(key, name, new) for key in (self.compare.first, self.compare.second, self.fit.sample)
        )
        return replace(
            self, compare=replace(self.compare, first=first, second=second), fit=replace(self.fit, sample=sample)
        )


def dock_from_dict(stored: Mapping[str, Any]) -> DockState:
    """Create from the output of :meth:`DockState.to_dict`; missing parts have their defaults.

    Raises
    ------
    ValueError
        If a part is damaged.
    """
    if not isinstance(stored, Mapping):
        raise ValueError(f"The stored dock is {brief(stored)}.")  # noqa: TRY004 - as every damaged state
    compare, fit, plain = _mapping(stored, "compare"), _mapping(stored, "fit"), DockState()
    columns, plane = _texts(compare, "columns"), _texts(compare, "plane")
    if len(columns) > MAX_COLUMNS or len(plane) not in (0, 2):
        raise ValueError(f"The stored comparison has {len(columns)} columns and a map of {len(plane)}.")
    bins = compare.get("bins", 0)
    if type(bins) is not int or not 0 <= bins <= MAX_BINS:
        raise ValueError(f"The stored comparison has {brief(bins)} bins.")
    return DockState(
        tab=_chosen(stored, "tab", plain.tab),
        open=bool(stored.get("open", True)),
        compare=CompareState(
            first=_text(compare, "first", SELECTED),
            second=_text(compare, "second", REST),
            columns=columns,
            bins=bins,
            height=_chosen(compare, "height", BarHeight.FRACTION),
            cumulative=bool(compare.get("cumulative", False)),
            plane=plane,
        ),
        fit=FitState(
            sample=_text(fit, "sample", SELECTED),
            kind=_chosen(fit, "kind", FitKind.LINE),
            x=_text(fit, "x", ""),
            y=_text(fit, "y", ""),
            shown=bool(fit.get("shown", True)),
        ),
        foot=tuple(FootStatistic(name) for name in _named(stored, plain.foot) if name in list(FootStatistic)),
    )


def _mapping(stored: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = stored.get(name, {})
    if not isinstance(value, Mapping):
        raise ValueError(f"The stored {name} is {brief(value)}.")  # noqa: TRY004 - as every damaged state
    return value


def _text(stored: Mapping[str, Any], name: str, default: str) -> str:
    value = stored.get(name, default)
    try:
        return text_in(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The stored {name} is {brief(value)}.") from error


def _texts(stored: Mapping[str, Any], name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
    value = stored.get(name, default)
    if not isinstance(value, list | tuple):
        raise ValueError(f"The stored {name} are {brief(value)}.")  # noqa: TRY004 - as every damaged state
    try:
        return tuple(map(text_in, value))
    except (TypeError, ValueError) as error:
        raise ValueError(f"The stored {name} are {brief(value)}.") from error


def _named(stored: Mapping[str, Any], default: tuple[FootStatistic, ...]) -> tuple[str, ...]:
    """Names of the statistics of the foot in their order, each once."""
    return tuple(dict.fromkeys(_texts(stored, "foot", default)))


def _chosen(stored: Mapping[str, Any], name: str, default: _SomeChoice) -> _SomeChoice:
    value, choices = _text(stored, name, default), type(default)
    if value not in list(choices):
        raise ValueError(f"The stored {name} is {brief(value)}; expected one of {', '.join(choices)}.")
    return choices(value)
