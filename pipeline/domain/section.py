"""Sections of a configuration: fields with help texts and limits; values beyond them are errors."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any


class ConfigError(ValueError):
    """A configuration cannot be used; the message names the key, what was found and the remedy."""


def check_choice(key: str, value: str, allowed: tuple[str, ...]) -> None:
    """Refuse a value that is none of those allowed, with the nearest as a hint.

    Raises
    ------
    ConfigError
        With the key, the values allowed and the value found.
    """
    if value not in allowed:
        near = get_close_matches(value, allowed, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"{key} must be one of {', '.join(allowed)}; found {value!r}.{hint}")


@dataclass(frozen=True)
class Limits:
    """Values that a setting may have; of a list, each entry.

    Parameters
    ----------
    choices : tuple of str
        The texts allowed; () allows any.
    at_least, at_most, above, below : float, optional
        Limits of numbers, which must be finite then.
    non_empty : bool
        Refuse an empty list.
    """

    choices: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    non_empty: bool = False

    def check(self, key: str, value: Any) -> None:
        """Refuse a value beyond the limits.

        Raises
        ------
        ConfigError
            With the key, the limits and the value found.
        """
        entries = value if isinstance(value, tuple) else (value,)
        if self.choices:
            for entry in entries:
                check_choice(key, entry, self.choices)
            return
        if self.non_empty and not entries:
            raise ConfigError(f"{key} is empty: give at least one number.")
        refused = [entry for entry in entries if not self._holds(entry)]
        if refused:
            verb, wrong = ("must hold numbers that are", refused) if isinstance(value, tuple) else ("must be", value)
            raise ConfigError(f"{key} {verb} {self._described()}; found {wrong}.")

    def _holds(self, number: float) -> bool:
        return math.isfinite(number) and all(
            (
                self.at_least is None or number >= self.at_least,
                self.at_most is None or number <= self.at_most,
                self.above is None or number > self.above,
                self.below is None or number < self.below,
            )
        )

    def _described(self) -> str:
        parts = (
            f"{self.at_least:g} or more" if self.at_least is not None else "",
            f"above {self.above:g}" if self.above is not None else "",
            f"at most {self.at_most:g}" if self.at_most is not None else "",
            f"below {self.below:g}" if self.below is not None else "",
        )
        return " and ".join(part for part in parts if part)


def setting(
    default: Any,
    help_text: str,
    *,
    limits: Limits | None = None,
    choices: tuple[str, ...] = (),
    shown: str = "",
) -> Any:
    """Declare a field of a section.

    A table within a section is a ``field`` with a default factory and ``metadata={"help": ...}``.

    Parameters
    ----------
    default : object
        Its value where the configuration gives none.
    help_text : str
        What it means, for the README and the command line.
    limits : Limits, optional
        Values it may have.
    choices : tuple of str
        Texts it may be: short for ``limits=Limits(choices)``.
    shown : str
        Default as the README shows it, where it differs from the value.
    """
    metadata = {"help": help_text, "limits": Limits(choices) if choices else limits, "shown": shown}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Section:
    """Base of the sections."""

    def check(self, where: str) -> None:
        """Refuse values beyond the limits of their fields.

        Parameters
        ----------
        where : str
            Name of the section in the configuration.

        Raises
        ------
        ConfigError
            With the key, its limits and the value found.
        """
        for item in fields(self):
            if item.metadata.get("limits") is not None:
                item.metadata["limits"].check(f"{where}.{item.name}", getattr(self, item.name))
