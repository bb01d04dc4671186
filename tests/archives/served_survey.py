"""A simulated survey behind test servers, as the fetch qiu2023 asks for it, and the profile that leads there."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pandas as pd
from archive_tables import DownloadTables
from http_archive import HttpArchive

from pipeline.config import shipped_configurations
from pipeline.domain.columns import BY_NAME
from pipeline.mock.archives import ArchiveFiles
from tests.quick_build import with_quick_settings

RELEASE, VERSION = "dr9", "v2.0"
DIRECT = """
name = "direct"
[[input.source]]
spectra = "{spectra}"
obsids = "{giants}"
[[input.source]]
table = "{m_stars}"
[[input.source]]
table = "{general}"
[[input.source]]
table = "{gaia}"
[[input.source]]
table = "{tmass}"
[[input.source]]
table = "{by_gaia}"
[[input.source]]
table = "{distances}"
[[input.source]]
table = "{allstar}"
labels = "reference"
[[input.source]]
table = "{giants}"
match = "obsid"
"""
OF_ORIGIN = {"obsid_source", "source_file"}
"""Columns that say which file a value is from, and so may differ."""

RESERVED = '"external.gaiaedr3_distance" = "\\"external\\".gaiaedr3_distance"'
"""``external`` is a reserved word of ADQL, as DaCHS takes it."""

FAKE_DUST = b"\x89HDF\r\n\x1a\n" + bytes(1000)
"""Begins as the dust map does; builds of tests use the analytic disc."""


def served_folder(files: ArchiveFiles, folder: Path) -> Path:
    """The download under the names that LAMOST DR9 and SDSS have."""
    folder.mkdir()
    for path in (files.truth, files.spectra):
        (folder / path.name).symlink_to(path)
    shutil.copyfile(files.allstar, folder / files.allstar.name)
    start = f"{RELEASE}_{VERSION}_LRS"
    with gzip.open(folder / f"{start}_mstellar.fits.gz", "wb", compresslevel=1) as packed:
        packed.write(files.m_stars.read_bytes())
    shutil.copyfile(files.general, folder / f"{start}_catalogue.fits.gz")  # CSV: the reader asks the file, not its name
    (folder / "bayestar2019.h5").write_bytes(FAKE_DUST)
    return folder


def serve(archive: HttpArchive, files: ArchiveFiles, folder: Path, profile: Path, gaia: str = "") -> None:
    """Serve the survey, and write the profile for ``--profile``; ``gaia`` is another TAP server with its tables."""
    served = served_folder(files, folder)
    archive.add_lamost(served, RELEASE, VERSION)
    sas = archive.add_files("/sas", served)
    tables = DownloadTables(files)
    gaia = gaia or archive.add_tap(tables.gaia_archive(), "/gaia/tap").url
    vizier = archive.add_tap(tables.vizier(), "/vizier/tap").url
    profile.write_text(profile_text(lamost=archive.url, sas=sas, gaia=gaia, vizier=vizier))


def profile_text(*, lamost: str, sas: str, gaia: str, vizier: str) -> str:
    """TOML that names test servers in the places of the archives."""
    quick = "spacing_s = 0.0\nwait_s = 0.1\ntimeout_s = 20.0\n"
    services = {"lamost": lamost, "sdss": sas, "dataverse": sas, "vizier": vizier}
    services |= dict.fromkeys(("gaia-ari", "gaia-aip", "gaia-esac"), gaia)
    parts = [f'[service.{key}]\naddress = "{address.rstrip("/")}"\n{quick}' for key, address in services.items()]
    parts += [f"[service.{key}.tables]\n{RESERVED}\n" for key in ("gaia-ari", "gaia-aip", "gaia-esac")]
    parts.append('[file.allStar]\nservices = ["sdss"]\npaths = ["allStar-dr17-synspec_rev1.fits"]\nchecksum = ""\n')
    parts.append('[file.bayestar2019]\npaths = ["bayestar2019.h5"]\nsize = 0\nchecksum = ""\n')
    return "\n".join(parts)


def giants_of(files, path):
    """The list of M giants as a file, for the build without archives."""
    table = next(item.table for item in DownloadTables(files).vizier() if item.name.endswith("mgiants"))
    table.to_pandas().to_csv(path, index=False)
    return path


def allwise_by_gaia(files, path):
    """AllWISE with Gaia identifiers; a match on the sky would also have stars that Gaia lacks."""
    tables = {item.name: item.table.to_pandas() for item in DownloadTables(files).gaia_archive()}
    neighbours = tables["allwise_best_neighbour"][["source_id", "allwise_oid"]]
    tables["allwise_original_valid"].merge(neighbours, on="allwise_oid").to_parquet(path, index=False)
    return path


def write_configurations(files: ArchiveFiles, folder: Path) -> dict[str, Path]:
    """Configurations of the build from ``folder/qiu2023`` and of that straight from the files, with quick settings."""
    giants = giants_of(files, folder / "giants.csv")
    by_gaia = allwise_by_gaia(files, folder / "allwise_by_gaia.parquet")
    shipped = shipped_configurations()["qiu2023"].read_text(encoding="utf-8")
    texts = {"fetched": shipped, "direct": DIRECT.format(giants=giants, by_gaia=by_gaia, **vars(files))}
    paths = {name: folder / f"{name}.toml" for name in texts}
    for name, path in paths.items():
        path.write_text(with_quick_settings(texts[name]))
    return paths


def differing_columns(direct: pd.DataFrame, fetched: pd.DataFrame) -> dict[str, int]:
    """Declared columns that only one catalogue has (-1), or the number of rows in which they differ."""
    names = [{name for name in table.columns if name in BY_NAME} for table in (direct, fetched)]
    result = dict.fromkeys(names[0] ^ names[1], -1)
    for name in sorted((names[0] & names[1]) - OF_ORIGIN):
        first, second = direct[name], fetched[name]
        equal = (first == second) | (first.isna() & second.isna())
        if not equal.all():
            result[name] = int((~equal).sum())
    return result
