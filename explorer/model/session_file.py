"""Sessions as files: the state of a page in JSON, with the catalogue that it belongs to."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any, NoReturn

from explorer.model import members
from explorer.model.damaged import brief
from explorer.model.selection import SelectionError

FORMAT = "mgiant-explorer-session"
"""Value of ``format`` in each file."""

VERSION = 1
"""Version of the files that are written; this one and earlier ones are read."""

MAX_BYTES = members.MAX_BYTES
"""Maximum size of a file, as of other files that a page sends."""

_REMEDY = "Choose a file that “Save session” has written."


@dataclass(frozen=True)
class Session:
    """A session that was read from a file.

    Parameters
    ----------
    state : mapping
        Parts of the state by name, as of a link.
    catalog, created : str
        Name of its catalogue, and when that was built.
    unknown : tuple of str
        Names of parts that this version does not know.
    """

    state: Mapping[str, Any]
    catalog: str
    created: str
    unknown: tuple[str, ...] = ()


def session_bytes(state: Mapping[str, Any], catalog: str, created: str) -> bytes:
    """Write a session as JSON.

    Parameters
    ----------
    state : mapping
        Plain values of the state, as of a link.
    catalog, created : str
        Name of the catalogue, and when it was built.

    Returns
    -------
    bytes
        The file, in UTF-8.

    Raises
    ------
    SelectionError
        If it would be larger than what is read again.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "saved": datetime.now(UTC).isoformat(timespec="seconds"),
        "catalogue": {"name": catalog, "created": created},
        "state": state,
    }
    data = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode()
    if len(data) > MAX_BYTES:
        raise SelectionError(
            f"The session has {len(data):,} bytes; files of at most {MAX_BYTES:,} can be opened again. Select by an "
            "expression or by gestures in place of long lists of stars."
        )
    return data


def read_session(data: bytes, known: Collection[str]) -> Session:
    """Read the output of :func:`session_bytes`.

    Parameters
    ----------
    data : bytes
        The file.
    known : collection of str
        Names of the parts of a state.

    Raises
    ------
    SelectionError
        If the file is none of a session, or of a later version.
    """
    try:
        content = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite)
        if b"\\u" in data:  # lone halves of characters can be escaped, but neither stored nor sent
            json.dumps(content, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise SelectionError(f"This is no session file: it is no text in UTF-8. {_REMEDY}") from error
    except (ValueError, RecursionError) as error:
        raise SelectionError(f"This is no session file: it is no valid JSON ({error!s:.80}). {_REMEDY}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        given = content.get("format") if isinstance(content, dict) else content
        raise SelectionError(f"This is no session file: its format is {brief(given)}, not {FORMAT!r}. {_REMEDY}")
    version = content.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise SelectionError(
            f"This session file is of version {brief(version)}; versions 1 to {VERSION} can be opened. "
            "Open it with the explorer that has written it, or update this one."
        )
    state, catalogue = content.get("state"), content.get("catalogue")
    if not isinstance(state, dict) or not isinstance(catalogue, dict):
        raise SelectionError(f"This session file is damaged: it has no state, or no catalogue. {_REMEDY}")
    unknown = tuple(sorted(set(state) - set(known)))
    return Session(state, str(catalogue.get("name", ""))[:200], str(catalogue.get("created", ""))[:40], unknown)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _finite(written: str) -> float:
    """A number of JSON, which has no sign for infinity, yet exponents that lead to it."""
    number = float(written)
    if not isfinite(number):
        raise ValueError(f"{written:.20} is too large for a number")
    return number
