"""Fingerprint of the program: its own code and the versions of its libraries."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

import pipeline
from pipeline.products.manifest import software_versions


@cache
def program_fingerprint() -> str:
    """SHA-256 of the pipeline's code and the versions of its libraries."""
    root = Path(pipeline.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.read_bytes())
    digest.update(json.dumps(software_versions(), sort_keys=True).encode())
    return digest.hexdigest()
