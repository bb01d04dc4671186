"""Fetches by name: the data that the archives offer to this program."""

from __future__ import annotations

from pipeline.sources.archives.file_steps import APOGEE, DUST
from pipeline.sources.archives.lamost_steps import LAMOST_CATALOGUE, SPECTRA
from pipeline.sources.archives.steps import Fetch

FETCHES: dict[str, Fetch] = {fetch.name: fetch for fetch in (LAMOST_CATALOGUE, SPECTRA, APOGEE, DUST)}
