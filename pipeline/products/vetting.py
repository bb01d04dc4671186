"""The contract of verdicts between the two halves: what the explorer writes and the release stage joins."""

from __future__ import annotations

import hashlib
import json
import math
import struct
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from pipeline.products.catalog_file import CATALOG_NAME
from pipeline.products.manifest import Manifest, ProductError
from pipeline.products.marked_parquet import is_simulated, write_marked
from pipeline.products.spreadsheet import shielded, unshielded

FIT_COLUMNS = (
    *("obsid", "snr", "rv", "rv_err", "distance", "chi2_nu"),
    *("teff", "logg", "m_h", "alpha_m", "teff_err", "logg_err", "m_h_err", "alpha_m_err"),
    *("teff_err_formal", "logg_err_formal", "m_h_err_formal", "alpha_m_err_formal"),
)
"""What an inspector judges: a verdict holds for as long as none of these changes."""

Status = Literal["incomplete", "agreed", "conflict", "adjudicated"]
SETTLED: tuple[Status, ...] = ("agreed", "adjudicated")
NO_VERDICT = -1


@dataclass(frozen=True)
class Verdict:
    """What the reviews of one star came to.

    Parameters
    ----------
    obsid : int
        The star.
    verdict : int
        Agreed or adjudicated; -1 when it is neither.
    issues : tuple of str
        Flags that were agreed or adjudicated, sorted.
    reviews : int
        Blind reviews.
    agreement : float
        Fraction of the pairs of reviews that agree; NaN below two reviews.
    status : str
        incomplete, agreed, conflict or adjudicated.
    fit : str
        Hash of the fit that was judged; "" when the reviews saw different ones.
    catalogue : str
        Version of the catalogue that was judged.
    utc : str
        Of the latest event that counts.
    proposal : mapping of str to float or str
        Values that the agreeing reviews or the adjudicator would publish instead; measured values stay as they are.
    """

    obsid: int
    verdict: int
    issues: tuple[str, ...]
    reviews: int
    agreement: float
    status: Status
    fit: str
    catalogue: str
    utc: str
    proposal: Mapping[str, float | str] = field(default_factory=dict)


def catalogue_version(manifest: Manifest) -> str:
    """Name of the run and the start of its catalogue's checksum."""
    return f"{manifest.name} {manifest.files.get(CATALOG_NAME, '')[:16]}".strip()


def fit_hash(values: Mapping[str, Any]) -> str:
    """Hash of a star's fit.

    Parameters
    ----------
    values : mapping of str to number
        Those of :data:`FIT_COLUMNS` that the catalogue has.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in FIT_COLUMNS:
        if name in values:
            value = values[name]
            packed = struct.pack("<q", int(value)) if name == "obsid" else struct.pack("<f", _canonical(float(value)))
            digest.update(name.encode() + b"=" + packed)
    return digest.hexdigest()[:32]


def _canonical(value: float) -> float:
    """One NaN of the many, one zero of the two."""
    return math.nan if math.isnan(value) else value + 0.0


def write_verdicts(verdicts: Iterable[Verdict], path: Path, *, simulated: bool) -> None:
    """Write a table of verdicts, ordered by obsid, as Parquet (``.parquet``) or CSV (``.csv``).

    Texts that a spreadsheet would compute have an apostrophe before them in CSV; :func:`read_verdicts` removes it.
    """
    rows = [
        asdict(one)
        | {
            "issues": ",".join(one.issues),
            "proposal": json.dumps(dict(one.proposal), sort_keys=True, ensure_ascii=False),
        }
        for one in sorted(verdicts, key=lambda one: one.obsid)
    ]
    frame = pd.DataFrame(rows, columns=_COLUMNS).astype({"obsid": "int64", "verdict": "int16", "reviews": "int16"})
    frame["agreement"] = frame["agreement"].astype("float64")
    if path.suffix == ".parquet":
        write_marked(frame, path, simulated=simulated)
    elif path.suffix == ".csv":
        safe = {name: frame[name].map(shielded) for name in _TEXTS}
        frame.assign(**safe, simulated=simulated).to_csv(path, index=False)
    else:
        raise ProductError(f"Verdicts are written as .parquet or .csv, not as {path.name!r}.")


def read_verdicts(path: Path) -> tuple[Verdict, ...]:
    """Read what :func:`write_verdicts` wrote.

    Raises
    ------
    ProductError
        If the file is missing, damaged, of another kind, holds a star twice, or a number that no star can have.
    """
    try:
        if path.suffix == ".csv":
            frame = pd.read_csv(
                path, dtype=dict.fromkeys(_TEXTS, "str"), keep_default_na=False, na_values={"agreement": [""]}
            )
            frame = frame.assign(**{name: frame[name].map(unshielded) for name in _TEXTS})
        else:
            frame = pd.read_parquet(path)
        rows = frame[_COLUMNS].to_dict("records")
        verdicts = tuple(
            _verdict(number, {str(name): value for name, value in row.items()}) for number, row in enumerate(rows, 1)
        )
    except FileNotFoundError:
        raise ProductError(f"{path} is missing. Write it with `python -m explorer export-verdicts`.") from None
    except (KeyError, ValueError, TypeError, AttributeError, OSError, RecursionError) as error:
        raise ProductError(f"{path} is not a table of verdicts ({error}). Export it again.") from error
    stars = [one.obsid for one in verdicts]
    if len(set(stars)) != len(stars):
        raise ProductError(f"{path} holds a star twice. Export it again.")
    return verdicts


def verdicts_are_simulated(path: Path) -> bool:
    """Whether a table of verdicts is marked as simulated."""
    if path.suffix == ".csv":
        return bool(pd.read_csv(path, usecols=["simulated"])["simulated"].any())
    return is_simulated(path)


def _verdict(number: int, row: Mapping[str, Any]) -> Verdict:
    status, agreement = row["status"], row["agreement"]
    if status not in get_args(Status):
        raise ValueError(f"row {number}: status is {status!r}, none of {', '.join(get_args(Status))}")
    low, high = (0, 9) if status in SETTLED else (NO_VERDICT, NO_VERDICT)
    for name, least, most in (("obsid", 1, 2**63 - 1), ("verdict", low, high), ("reviews", 0, 2**15 - 1)):
        value = row[name]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"row {number}: {name} is {value!r}, where the status {status} has {least} to {most}")
    if not isinstance(agreement, (int, float)) or not (math.isnan(agreement) or 0.0 <= agreement <= 1.0):
        raise ValueError(f"row {number}: agreement is {agreement!r}, neither empty nor 0 to 1")
    return Verdict(
        **{
            **row,
            "agreement": float(agreement),
            "issues": tuple(flag for flag in str(row["issues"]).split(",") if flag),
            "proposal": _proposal(number, row["proposal"]),
        }
    )


def _proposal(number: int, text: str) -> dict[str, float | str]:
    proposal = json.loads(text)
    if not isinstance(proposal, dict):
        raise TypeError(f"row {number}: proposal is {text!r:.80}, not a mapping")
    for name, value in proposal.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
        if not is_number and not isinstance(value, str):
            raise ValueError(f"row {number}: proposal of {name!r:.40} is {value!r:.40}, neither a number nor a word")
    return proposal


_TEXTS = ("issues", "status", "fit", "catalogue", "utc", "proposal")
_COLUMNS = [item.name for item in fields(Verdict)]
