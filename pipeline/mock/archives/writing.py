"""The simulated survey as downloaded from the archives: spectra, tables, truth, configurations."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.mock.archives.apogee import ALLSTAR_NAME, write_allstar
from pipeline.mock.archives.configuration import BUILD_NAME, DIRECT_NAME, SPECTRA_FOLDER, write_configurations
from pipeline.mock.archives.files import MARK, NOTE
from pipeline.mock.archives.lamost import GENERAL_NAME, M_STAR_NAME, write_catalogues
from pipeline.mock.archives.sky import SurveyStars, draw_field
from pipeline.mock.archives.tables import (
    ALLWISE_NAME,
    DISTANCE_NAME,
    DR2_NAME,
    FLOAT_NAME,
    GAIA_NAME,
    TMASS_NAME,
    Sky,
    Written,
)
from pipeline.mock.fits_layouts import PlateFolders, write_plate_folders
from pipeline.mock.survey import MockSurvey

TRUTH_NAME = "truth.parquet"
COUNTS_KEY = "counts"
"""Metadata key of the truth: numbers of rows and matches as JSON."""

_STREAM = 5
"""Child of the survey's seed, which itself uses five."""

_MIN_FIELD = 200
_APOGEE_FIELD = 3


@dataclass(frozen=True)
class ArchiveFiles:
    """Paths of a simulated download.

    Parameters
    ----------
    directory : Path
        The folder.
    spectra : Path
        Folder of plate folders.
    general, m_stars : Path
        LAMOST's general catalogue and that of the M stars.
    gaia, tmass, allwise, distances, dr2 : Path
        Gaia DR3, 2MASS by Gaia identifier, AllWISE by position, geometric distances, DR2 identifiers.
    allstar : Path
        APOGEE's allStar.
    float_ids : Path
        2MASS once more, with identifiers that went through floating point.
    truth : Path
        Which row of which file is which observation.
    build, direct : Path
        Configuration of the build from these files, and of the direct build.
    """

    directory: Path
    spectra: Path
    general: Path
    m_stars: Path
    gaia: Path
    tmass: Path
    allwise: Path
    distances: Path
    dr2: Path
    allstar: Path
    float_ids: Path
    truth: Path
    build: Path
    direct: Path

    @classmethod
    def in_folder(cls, directory: Path) -> ArchiveFiles:
        """Paths of a simulated download in a folder.

        Parameters
        ----------
        directory : Path
            Folder of :func:`write_archives` or of ``python -m pipeline mock FOLDER --as-archives``.
        """
        return cls(
            directory=directory,
            spectra=directory / SPECTRA_FOLDER,
            general=directory / GENERAL_NAME,
            m_stars=directory / M_STAR_NAME,
            gaia=directory / GAIA_NAME,
            tmass=directory / TMASS_NAME,
            allwise=directory / ALLWISE_NAME,
            distances=directory / DISTANCE_NAME,
            dr2=directory / DR2_NAME,
            allstar=directory / ALLSTAR_NAME,
            float_ids=directory / FLOAT_NAME,
            truth=directory / TRUTH_NAME,
            build=directory / BUILD_NAME,
            direct=directory / DIRECT_NAME,
        )

    @property
    def tables(self) -> dict[str, Path]:
        """Tables by the name of their column in the truth, without ``_row``."""
        names = ("general", "m_stars", "gaia", "tmass", "allwise", "distances", "dr2", "allstar", "float_ids")
        return {name: getattr(self, name) for name in names}


def write_archives(
    survey: MockSurvey,
    directory: Path,
    training: int,
    *,
    field_stars: int | None = None,
    progress: Callable[[float], None] = lambda _fraction: None,
) -> ArchiveFiles:
    """Write a simulated survey in the formats, names, units and sentinels of the archives.

    A build from the files gives the values of the direct build: the survey's table holds them as the files do.

    Parameters
    ----------
    survey : MockSurvey
        The survey.
    directory : Path
        Where; made when missing.
    training : int
        Number of training stars that the survey was simulated with, for ``direct.toml``.
    field_stars : int, optional
        Stars in the tables that the survey lacks; as many as it has observations, at least 200, by default. The
        allStar has three times as many.
    progress : callable
        Receives the fraction done.

    Returns
    -------
    ArchiveFiles
        What was written. The same survey gives the same bytes.
    """
    directory.mkdir(parents=True, exist_ok=True)
    number = max(_MIN_FIELD, len(survey)) if field_stars is None else field_stars
    streams = np.random.SeedSequence(survey.seed, spawn_key=(_STREAM,)).spawn(4)
    sky_rng, lamost_rng, tables_rng, apogee_rng = (np.random.default_rng(stream) for stream in streams)
    spectra = write_plate_folders(survey, directory / SPECTRA_FOLDER, lambda done: progress(0.9 * done))
    stars = SurveyStars.of(survey)
    field = draw_field(survey, stars, number, sky_rng)
    plain = field[~field.infrared_only]
    general, m_stars, rows = write_catalogues(survey, spectra, plain, directory, lamost_rng)
    sky = Sky(survey, stars, field, tables_rng)
    written: dict[str, Written] = {
        "gaia": sky.write_gaia(directory / GAIA_NAME),
        "tmass": sky.write_tmass(directory / TMASS_NAME),
        "allwise": sky.write_allwise(directory / ALLWISE_NAME),
        "distances": sky.write_distances(directory / DISTANCE_NAME),
        "dr2": sky.write_dr2(directory / DR2_NAME),
        "float_ids": sky.write_float_ids(directory / FLOAT_NAME),
        "allstar": write_allstar(survey, stars, directory / ALLSTAR_NAME, _APOGEE_FIELD * number, apogee_rng),
    }
    places = {"general": general, "m_stars": m_stars}
    places |= {name: result.row[stars.member] for name, result in written.items()}
    counts = {"general": rows[GENERAL_NAME], "m_stars": rows[M_STAR_NAME]}
    counts |= {name: result.rows for name, result in written.items()}
    _write_truth(survey, spectra, directory, places, counts)
    write_configurations(survey, training, directory)
    progress(1.0)
    return ArchiveFiles.in_folder(directory)


def _write_truth(
    survey: MockSurvey,
    spectra: PlateFolders,
    directory: Path,
    places: dict[str, NDArray[np.int64]],
    counts: dict[str, int],
) -> None:
    """Write the truth with the spectrum and the row of each table, -1 for none, and counts as metadata."""
    frame = survey.truth.assign(
        spectrum=[path.relative_to(directory).as_posix() for path in spectra.paths],
        **{f"{name}_row": rows for name, rows in places.items()},
    )
    star = survey.truth["true_star"].to_numpy()
    summary = {
        "observations": len(survey),
        "stars": int(np.unique(star).size),
        "tables": {
            name: {
                "rows": counts[name],
                "observations": int((rows >= 0).sum()),
                "stars": int(np.unique(star[rows >= 0]).size),
            }
            for name, rows in places.items()
        },
    }
    table = pa.Table.from_pandas(pd.DataFrame(frame), preserve_index=False)
    marks = {MARK: "true", "note": NOTE, COUNTS_KEY: json.dumps(summary, sort_keys=True)}
    table = table.replace_schema_metadata(
        {**(table.schema.metadata or {}), **{k.encode(): v for k, v in marks.items()}}
    )
    pq.write_table(table, directory / TRUTH_NAME, compression="zstd")


def read_counts(path: Path) -> dict[str, object]:
    """Read the counts of a truth file: observations, stars, and those of each table."""
    metadata = pq.read_schema(path).metadata or {}
    result: dict[str, object] = json.loads(metadata[COUNTS_KEY.encode()])
    return result
