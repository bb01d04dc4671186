"""Configurations of the build from the archives' files, and of an equivalent direct build."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from pipeline.mock.archives import apogee, lamost, tables
from pipeline.mock.survey import MockSurvey

BUILD_NAME, DIRECT_NAME, SPECTRA_FOLDER = "build.toml", "direct.toml", "spectra"

_DR2 = """table = "{dr2}"
match = "gaia"
columns = {{gaia_source_id = "dr3_source_id", gaia_dr2_source_id = "dr2_source_id"}}"""

_M_STARS = """table = "{m_stars}"
keep = ["teff", "logg", "m_h"]"""

_SOURCES = (
    ('spectra = "{spectra}"', "LAMOST FITS in plate folders, both layouts, plain and gzipped"),
    ('table = "{general}"', "uid and Gaia DR3 identifiers"),
    (_M_STARS, "velocity as redshift only; its teff, logg and m_h are kept for Figure 1 and are no labels"),
    ('table = "{gaia}"', "positions at 2016.0; nulls where the solution has two parameters"),
    ('table = "{tmass}"', "through Gaia's best neighbours: no positions"),
    ('table = "{allwise}"\nmatch = "sky"\nradius_arcsec = 1.5', "positions at 2010.5, no Gaia identifiers"),
    ('table = "{distances}"', "in pc"),
    (_DR2, "no known schema: its roles are given here"),
    ('table = "{allstar}"', "reference labels; duplicates by EXTRATARG or lower S/N"),
    ('table = "{float_ids}"\nmatch = "sky"\nradius_arcsec = 1.5', "identifiers went through floating point"),
)


def write_configurations(survey: MockSurvey, training: int, directory: Path) -> tuple[Path, Path]:
    """Write ``build.toml`` and ``direct.toml`` with the settings of the demo.

    Parameters
    ----------
    survey : MockSurvey
        The survey.
    training : int
        The number that it was simulated with.
    directory : Path
        Folder of the files.

    Returns
    -------
    build, direct : Path
        From the files; by simulation.
    """
    names = {
        "spectra": SPECTRA_FOLDER,
        "general": lamost.GENERAL_NAME,
        "m_stars": lamost.M_STAR_NAME,
        "gaia": tables.GAIA_NAME,
        "tmass": tables.TMASS_NAME,
        "allwise": tables.ALLWISE_NAME,
        "distances": tables.DISTANCE_NAME,
        "dr2": tables.DR2_NAME,
        "allstar": apogee.ALLSTAR_NAME,
        "float_ids": tables.FLOAT_NAME,
    }
    sources = "\n\n".join(f"# {why}\n[[input.source]]\n{text.format(**names)}" for text, why in _SOURCES)
    settings = demo_settings()
    build, direct = directory / BUILD_NAME, directory / DIRECT_NAME
    head = f"# SIMULATED survey of {len(survey):,} observations"
    build.write_text(
        f'{head}, from files in the formats of the archives.\nname = "mock-archives"\n\n'
        f"[input]\nseed = {survey.seed}\n\n{sources}\n\n{settings}",
        encoding="utf-8",
    )
    direct.write_text(
        f'{head}, by simulation: the catalogue that {BUILD_NAME} must give too.\nname = "mock-direct"\n\n'
        f'[input]\nkind = "mock"\nn_stars = {len(survey)}\nn_training = {training}\nseed = {survey.seed}\n\n{settings}',
        encoding="utf-8",
    )
    return build, direct


def demo_settings() -> str:
    """All sections of the demo's configuration except its input, as text."""
    text = (files("pipeline") / "configurations" / "demo.toml").read_text(encoding="utf-8")
    sections = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    return "".join(section for section in sections[1:] if not section.startswith("[input"))
