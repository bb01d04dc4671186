"""Rules of a campaign: verdicts, flags, reviews a star, tolerances of conflicts."""

from __future__ import annotations

import json
import reprlib
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from pipeline.domain.columns import COLUMNS

FLAG_KEYS = "qwert"
"""Keys of the first five flags."""

PROPOSABLE = frozenset(column.name for column in COLUMNS if column.is_float)
"""Columns for which values can be proposed."""

MAX_FLAGS = 32
MAX_WORD_CHARACTERS = 40
"""Maximum length of a flag, and of the meaning of a verdict."""


class RulesError(ValueError):
    """Vetting rules are invalid."""


@dataclass(frozen=True)
class VettingRules:
    """Rules of a campaign, stored with it and never changed.

    Parameters
    ----------
    verdicts : mapping of int to str
        Meaning of each verdict, 0 to 9; its digit is its key.
    flags : tuple of str
        Possible problems, 1 to 32 words; the first five have the keys of :data:`FLAG_KEYS`.
    reviews : int
        Blind reviews a star, 1 to 10.
    verdict_gap : int
        Verdicts that differ by this much or more conflict; 1 to 9.
    tolerances : mapping of str to float
        Quantities that can be proposed, with the difference beyond which two proposals conflict, in the column's
        unit: about twice the errors of the paper (57 K, 0.25, 0.16, 0.06 dex, 4.6 km/s).
    control_fraction : float
        Stars drawn from the rest of the catalogue, as a fraction of the subset, 0 to 1.
    repeat_fraction : float
        Stars that an inspector gets twice, as a fraction of the queue, 0 to 1.
    repeat_gap : int
        Minimum number of stars between the two where the queue is long enough; 0 to 1,000.
    claim_minutes : float
        Duration of a claim; 1 to 10,080, a week.
    """

    verdicts: Mapping[int, str] = field(
        default_factory=lambda: {
            4: "good",
            3: "probably good",
            2: "doubtful",
            1: "wrong",
            0: "cannot be judged",
        }
    )
    flags: tuple[str, ...] = ("RV", "continuum", "sky", "wrong class", "artefact")
    reviews: int = 2
    verdict_gap: int = 2
    tolerances: Mapping[str, float] = field(
        default_factory=lambda: {"teff": 120.0, "logg": 0.5, "m_h": 0.3, "alpha_m": 0.12, "rv": 10.0}
    )
    control_fraction: float = 0.1
    repeat_fraction: float = 0.1
    repeat_gap: int = 10
    claim_minutes: float = 30.0

    def __post_init__(self) -> None:
        """Refuse invalid rules."""
        for name, kind in (("verdicts", Mapping), ("flags", tuple), ("tolerances", Mapping)):
            if not isinstance(getattr(self, name), kind):
                raise RulesError(f"These vetting rules cannot be used: {name} is of the wrong type.")
        breaches = {
            "verdicts are digits 0 to 9": not self.verdicts
            or not all(_is_whole(digit, 0, 9) for digit in self.verdicts),
            f"verdicts mean {_WORDS}": not all(_is_word(word) for word in self.verdicts.values()),
            f"flags are 1 to {MAX_FLAGS}": not 1 <= len(self.flags) <= MAX_FLAGS,
            f"flags are {_WORDS}": not all(_is_word(flag) for flag in self.flags),
            "flags hold no comma": any("," in str(flag) for flag in self.flags),
            "flags differ from one another": len({str(flag) for flag in self.flags}) != len(self.flags),
            "reviews is 1 to 10": not _is_whole(self.reviews, 1, 10),
            "verdict_gap is 1 to 9": not _is_whole(self.verdict_gap, 1, 9),
            "tolerances are of columns of the catalogue that hold numbers": not set(self.tolerances) <= PROPOSABLE,
            "tolerances are positive and finite": not all(_is_tolerance(value) for value in self.tolerances.values()),
            "control_fraction is 0 to 1": not _is_number(self.control_fraction, 0.0, 1.0),
            "repeat_fraction is 0 to 1": not _is_number(self.repeat_fraction, 0.0, 1.0),
            "repeat_gap is 0 to 1,000": not _is_whole(self.repeat_gap, 0, 1000),
            "claim_minutes is 1 to 10,080": not _is_number(self.claim_minutes, 1.0, 10_080.0),
        }
        for rule, broken in breaches.items():
            if broken:
                value = getattr(self, rule.split()[0])
                raise RulesError(f"These vetting rules cannot be used: {rule}; found {reprlib.repr(value)}.")

    def to_json(self) -> str:
        """Serialize as stored with a campaign; :meth:`from_json` is the inverse."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> VettingRules:
        """Read the output of :meth:`to_json`."""
        return cls.from_mapping(json.loads(text))

    @classmethod
    def from_toml(cls, text: str) -> VettingRules:
        """Read TOML with any of the parameters; ``[verdicts]`` has digits as keys.

        Raises
        ------
        RulesError
            If the text is not TOML, or its values are not valid rules.
        """
        try:
            given = tomllib.loads(text)
        except ValueError as error:
            raise RulesError(f"These vetting rules cannot be read as TOML ({error}).") from error
        except RecursionError:
            raise RulesError("These vetting rules cannot be read as TOML (nested too deep).") from None
        return cls.from_mapping(given)

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> VettingRules:
        """Create rules from plain values; missing ones have their defaults.

        Raises
        ------
        RulesError
            If a value is unknown, of the wrong type or out of its bounds.
        """
        if not isinstance(given, Mapping):
            raise RulesError(f"Vetting rules are names with values; found {reprlib.repr(given)}.")
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(given) - known)
        if unknown:
            raise RulesError(f"Vetting rules know no {unknown[0]!r:.60}. Known: {', '.join(sorted(known))}.")
        values = dict(given)
        for name, kind in (("verdicts", Mapping), ("flags", (list, tuple)), ("tolerances", Mapping)):
            if name in values and not isinstance(values[name], kind):
                value = reprlib.repr(values[name])
                raise RulesError(f"Vetting rules hold a value of the wrong type ({name}: {value}).")
        if "verdicts" in values:
            values["verdicts"] = {_DIGITS.get(digit, digit): word for digit, word in values["verdicts"].items()}
        if "flags" in values:
            values["flags"] = tuple(values["flags"])
        return cls(**values)


_DIGITS = {str(digit): digit for digit in range(10)}
"""Keys of verdicts in TOML and JSON, which are texts."""

_WORDS = f"short printable words of at most {MAX_WORD_CHARACTERS} characters"


def _is_number(value: object, low: float, high: float) -> bool:
    """Whether a value is a number within bounds; NaN and booleans are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and _is_number(value, low, high)


def _is_tolerance(value: object) -> bool:
    return _is_number(value, sys.float_info.min, sys.float_info.max)


def _is_word(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= MAX_WORD_CHARACTERS and value.isprintable()
