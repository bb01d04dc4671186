"""What a campaign asks of its inspectors: verdicts, flags, reviews a star, tolerances of the conflict rule."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from pipeline.domain.columns import BY_NAME

FLAG_KEYS = "qwert"
"""Keys of the first five flags."""


class RulesError(ValueError):
    """A file of rules cannot be used."""


@dataclass(frozen=True)
class VettingRules:
    """Frozen with the campaign that they were made for.

    Parameters
    ----------
    verdicts : mapping of int to str
        Meaning of each verdict, 0 to 9; its digit is its key.
    flags : tuple of str
        What can be wrong; the first five have the keys of :data:`FLAG_KEYS`.
    reviews : int
        Blind reviews a star.
    verdict_gap : int
        Verdicts that differ by this much or more conflict.
    tolerances : mapping of str to float
        Quantities that can be proposed, with the difference beyond which two proposals conflict, in the column's
        unit: about twice the errors of the paper (57 K, 0.25, 0.16, 0.06 dex, 4.6 km/s).
    control_fraction : float
        Stars drawn from the rest of the catalogue, as a fraction of the subset.
    repeat_fraction : float
        Stars that an inspector gets twice, as a fraction of the queue.
    repeat_gap : int
        At least so many stars lie between the two where the queue is long enough.
    claim_minutes : float
        How long a star is kept for one inspector.
    """

    verdicts: Mapping[int, str] = field(
        default_factory=lambda: {
            4: "certain",
            3: "probable",
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
        """Refuse rules that no campaign could follow."""
        breaches = [
            (not self.verdicts or not all(0 <= value <= 9 for value in self.verdicts), "verdicts are digits 0 to 9"),
            (not all(flag and "," not in flag for flag in self.flags), "flags are not empty and hold no comma"),
            (len(set(self.flags)) != len(self.flags), "flags differ from one another"),
            (not 1 <= self.reviews <= 20, "reviews is 1 to 20"),
            (self.verdict_gap < 1, "verdict_gap is 1 or more"),
            (not set(self.tolerances) <= set(BY_NAME), "tolerances are of columns of the catalogue"),
            (not all(value > 0 for value in self.tolerances.values()), "tolerances are positive"),
            (not 0 <= self.control_fraction <= 10, "control_fraction is 0 to 10"),
            (not 0 <= self.repeat_fraction <= 1, "repeat_fraction is 0 to 1"),
            (self.repeat_gap < 1, "repeat_gap is 1 or more"),
            (self.claim_minutes <= 0, "claim_minutes is positive"),
        ]
        for broken, rule in breaches:
            if broken:
                raise RulesError(f"These vetting rules cannot be used: {rule}.")

    def to_json(self) -> str:
        """As stored with a campaign; :meth:`from_json` is the inverse."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> VettingRules:
        """Read what :meth:`to_json` wrote."""
        return cls.from_mapping(json.loads(text))

    @classmethod
    def from_toml(cls, path: Path) -> VettingRules:
        """Read a TOML file of any of the parameters; ``[verdicts]`` has digits as its keys."""
        try:
            return cls.from_mapping(tomllib.loads(path.read_text("utf-8")))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise RulesError(f"{path} cannot be read as TOML ({error}).") from error

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> VettingRules:
        """Rules from plain values; what is not given keeps its default."""
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(given) - known)
        if unknown:
            raise RulesError(f"Vetting rules know no {unknown[0]!r}. Known: {', '.join(sorted(known))}.")
        values = dict(given)
        try:
            if "verdicts" in values:
                values["verdicts"] = {int(value): str(text) for value, text in values["verdicts"].items()}
            if "flags" in values:
                values["flags"] = tuple(str(flag) for flag in values["flags"])
            if "tolerances" in values:
                values["tolerances"] = {str(name): float(value) for name, value in values["tolerances"].items()}
            return cls(**values)
        except (TypeError, AttributeError) as error:
            raise RulesError(f"Vetting rules hold a value of the wrong type ({error}).") from error
