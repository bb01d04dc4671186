"""A simulated survey behind test servers, as the fetch qiu2023 asks for it, and the profile that leads there."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

from archive_tables import DownloadTables
from http_archive import HttpArchive

from pipeline.mock.archives import ArchiveFiles

RELEASE, VERSION = "dr9", "v2.0"
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


def serve(archive: HttpArchive, files: ArchiveFiles, folder: Path, profile: Path) -> None:
    """Serve the survey, and write the profile for ``--profile``."""
    served = served_folder(files, folder)
    archive.add_lamost(served, RELEASE, VERSION)
    sas = archive.add_files("/sas", served)
    tables = DownloadTables(files)
    gaia = archive.add_tap(tables.gaia_archive(), "/gaia/tap").url
    vizier = archive.add_tap(tables.vizier(), "/vizier/tap").url
    profile.write_text(profile_text(lamost=archive.url, sas=sas, gaia=gaia, vizier=vizier))


def profile_text(*, lamost: str, sas: str, gaia: str, vizier: str) -> str:
    """TOML that names test servers in the places of the archives."""
    quick = "spacing_s = 0.0\nwait_s = 0.1\ntimeout_s = 20.0\n"
    services = {"lamost": lamost, "sdss": sas, "dataverse": sas, "vizier": vizier}
    services |= dict.fromkeys(("gaia-ari", "gaia-aip", "gaia-esac"), gaia)
    parts = [f'[service.{key}]\naddress = "{address.rstrip("/")}"\n{quick}' for key, address in services.items()]
    parts.append('[file.allStar]\nservices = ["sdss"]\npaths = ["allStar-dr17-synspec_rev1.fits"]\nchecksum = ""\n')
    parts.append('[file.bayestar2019]\npaths = ["bayestar2019.h5"]\nsize = 0\nchecksum = ""\n')
    return "\n".join(parts)
