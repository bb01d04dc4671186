"""Names of runs, which are also file names: the rule for allowed names and the conversion of others."""

from __future__ import annotations

import re
import unicodedata

MAX_NAME = 80
"""Letters of a run's name."""

RULE = f"1 to {MAX_NAME} letters, digits, spaces and any of . , _ + - ( ), beginning with a letter, a digit or _"

_NAME = re.compile(rf"\w[\w .,+()-]{{0,{MAX_NAME - 1}}}")
_OTHER = re.compile(r"[^\w.,+()-]+")


def is_run_name(name: object) -> bool:
    """Whether a run may be called so: it is one part of a path, and a line of text."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None and name[-1] not in " ."


def file_name(name: object, otherwise: str = "catalogue") -> str:
    """A name as one part of a path, safe for any text of a foreign manifest.

    Parameters
    ----------
    name : object
        Anything; names of runs are kept as they are.
    otherwise : str
        What is taken where nothing is left of it.
    """
    if is_run_name(name):
        return str(name)
    plain = unicodedata.normalize("NFC", str(name))
    safe = _OTHER.sub("_", plain).strip("._,+-() ")[:MAX_NAME].rstrip(" .")
    return safe if is_run_name(safe) else otherwise
