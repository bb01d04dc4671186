"""What can be fetched from the archives, by name."""

from __future__ import annotations

from pipeline.sources.archives.steps import Fetch

FETCHES: dict[str, Fetch] = {}
