"""Labels that a visitor proposes instead of the published ones, stored with verdicts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.science.star.refit import Interval, LabelModel, Refit, Wish

MAX_WHY_CHARACTERS = 2000
"""Of the reason for a proposal."""


@dataclass(frozen=True)
class Proposal:
    """Labels from a refit, with everything that is needed to repeat it; published values are unchanged.

    Parameters
    ----------
    obsid : int
        The star.
    labels : tuple of (str, float)
        Proposed labels and ``rv``, by column, in the units of the columns.
    errors : tuple of (str, float)
        Their formal errors; 0 for those held fixed.
    fixed : tuple of str
        Which of them were held at a value that the visitor chose.
    masked : tuple of (float, float)
        Stretches of vacuum rest wavelength in Angstrom, in the published rest frame, that were left out besides the
        pixels masked already.
    chi2 : float
        Sum of squares of the fit.
    n_pixels : int
        Pixels used.
    published_chi2 : float
        The same sum at the published labels, over the same pixels.
    model : str
        Which label model: its training fingerprint.
    catalogue : str
        Which catalogue: name and date of the build.
    why : str
        The visitor's reason.
    """

    obsid: int
    labels: tuple[tuple[str, float], ...]
    errors: tuple[tuple[str, float], ...]
    fixed: tuple[str, ...]
    masked: tuple[Interval, ...]
    chi2: float
    n_pixels: int
    published_chi2: float
    model: str
    catalogue: str
    why: str = ""

    def __post_init__(self) -> None:
        """Refuse values that cannot be stored or repeated."""
        for name, value in self.labels:
            if not math.isfinite(value):
                raise ValueError(f"A proposal for obsid {self.obsid} has {name} = {value}: it must be a number.")
        strangers = set(self.fixed) - set(dict(self.labels))
        if strangers:
            raise ValueError(f"A proposal for obsid {self.obsid} fixes {sorted(strangers)}, which it does not propose.")
        for low, high in self.masked:
            if not low < high:
                raise ValueError(f"A proposal for obsid {self.obsid} masks {low} to {high}: the first must be lower.")

    def label(self, name: str) -> float:
        """One proposed value; KeyError if it is not proposed."""
        return dict(self.labels)[name]

    def to_json(self) -> str:
        """Serialize with sorted keys: equal proposals give equal texts."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Proposal:
        """Read the output of :meth:`to_json`.

        Raises
        ------
        ValueError
            If the text is damaged.
        """
        try:
            stored = json.loads(text)
            return cls(
                obsid=int(stored["obsid"]),
                labels=_pairs(stored["labels"]),
                errors=_pairs(stored["errors"]),
                fixed=tuple(str(name) for name in stored["fixed"]),
                masked=_intervals(stored, "masked"),
                chi2=float(stored["chi2"]),
                n_pixels=int(stored["n_pixels"]),
                published_chi2=float(stored["published_chi2"]),
                model=str(stored["model"]),
                catalogue=str(stored["catalogue"]),
                why=str(stored["why"]),
            )
        except (KeyError, TypeError, IndexError, json.JSONDecodeError) as error:
            raise ValueError(f"A stored proposal is damaged ({error!r}).") from error


def proposal_of(model: LabelModel, obsid: int, wish: Wish, result: Refit, catalogue: str, why: str) -> Proposal:
    """Convert a refit to a proposal."""
    return Proposal(
        obsid=obsid,
        labels=result.labels,
        errors=result.formal,
        fixed=result.fixed,
        masked=wish.masked,
        chi2=result.chi2,
        n_pixels=result.n_pixels,
        published_chi2=result.published_chi2,
        model=model.version,
        catalogue=catalogue,
        why=why.strip()[:MAX_WHY_CHARACTERS],
    )


def _pairs(stored: Any) -> tuple[tuple[str, float], ...]:
    return tuple((str(name), float(value)) for name, value in stored)


def _intervals(stored: Mapping[str, Any], name: str) -> tuple[Interval, ...]:
    return tuple((float(low), float(high)) for low, high in stored[name])
