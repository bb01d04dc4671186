"""Signatures of exported records with a key that a group shares.

HMAC with SHA-256 (RFC 2104): all who have the key can sign, so that a signature proves that the file is an unchanged
export of the group, not which of its members wrote it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

ALGORITHM = "hmac-sha256"
MIN_KEY_BYTES = 32


class SignatureError(ValueError):
    """A file is not signed with the key, or was altered."""


def make_key(path: Path) -> None:
    """Write a new key that only its owner can read; FileExistsError if the file exists."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")


def read_key(path: Path) -> bytes:
    """Read the key of a file; SignatureError if it is too short."""
    key = path.read_bytes().strip()
    if len(key) < MIN_KEY_BYTES:
        raise SignatureError(f"{path} holds {len(key)} bytes; a key has at least {MIN_KEY_BYTES}.")
    return key


def sign(lines: Iterable[str], key: bytes) -> Iterator[str]:
    """Yield lines, followed by a line with their signature."""
    digest = hmac.new(key, digestmod=hashlib.sha256)
    for line in lines:
        digest.update(line.encode())
        yield line
    yield json.dumps({"signature": {"algorithm": ALGORITHM, "value": digest.hexdigest()}}) + "\n"


def split(text: str) -> tuple[str, str]:
    """The signed part of a text and its signature, "" if it has none."""
    body, newline, last = text.rstrip("\n").rpartition("\n")
    try:
        signature = json.loads(last).get("signature")
    except (ValueError, AttributeError, RecursionError):
        return text, ""
    if not newline or not isinstance(signature, dict) or signature.get("algorithm") != ALGORITHM:
        return text, ""
    return body + "\n", str(signature.get("value", ""))


def verify(text: str, key: bytes) -> str:
    """Return the signed part of a text, if its signature is valid.

    Raises
    ------
    SignatureError
        If it has no signature, or an invalid one.
    """
    body, value = split(text)
    if not value:
        raise SignatureError("This file is not signed: export it with --sign-key.")
    good = hmac.new(key, body.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(good, value):
        raise SignatureError("This file was altered after it was signed, or was signed with another key.")
    return body
