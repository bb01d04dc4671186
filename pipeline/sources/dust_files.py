"""Published files of the dust maps: addresses, sizes, checksums, download.

What is recorded here was looked up; what is not is asked of the archive's own record before the download.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from tqdm import tqdm

from pipeline.sources.wheels import FetchError

_CHUNK = 1 << 20
_TIMEOUT_S = 60.0
_WHO = {"User-Agent": "mgiant-explorer"}  # some archives turn Python's own name away
_DATAVERSE = "https://dataverse.harvard.edu/api/"
_DATASET = _DATAVERSE + "datasets/:persistentId?persistentId=doi:"


@dataclass(frozen=True)
class MapFile:
    """One file of a dust map on the network.

    Parameters
    ----------
    name : str
        Its name here.
    page : str
        Where a browser finds it.
    address : str
        Where it is; empty where the record tells.
    size : int
        Bytes; 0 where the record or the server tells.
    md5 : str
        Checksum; empty where the record tells.
    record : str
        The archive's description of its files (Dataverse or Zenodo), as JSON.
    theirs : str
        Its name or content type in that record; empty where it is ``name``.
    """

    name: str
    page: str
    address: str = ""
    size: int = 0
    md5: str = ""
    record: str = ""
    theirs: str = ""


_BAYESTAR_2019 = MapFile(
    "bayestar2019.h5",
    "https://doi.org/10.7910/DVN/2EJ9TX",
    address=_DATAVERSE + "access/datafile/3424724",
    size=727_902_836,
    md5="ab815d2fd3068d1b81a1bd61fb18a722",
)
DUST_FILES: MappingProxyType[str, tuple[MapFile, ...]] = MappingProxyType(
    {
        "bayestar2019": (_BAYESTAR_2019,),
        "green19": (_BAYESTAR_2019,),
        "bayestar2017": (
            MapFile(
                "bayestar2017.h5",
                "https://doi.org/10.7910/DVN/LCYHJG",
                record=_DATASET + "10.7910/DVN/LCYHJG",
            ),
        ),
        "bayestar2015": (
            MapFile(
                "bayestar2015.h5",
                "https://doi.org/10.7910/DVN/40C44C",
                record=_DATASET + "10.7910/DVN/40C44C",
                theirs="application/x-hdf",
            ),
        ),
        "sfd": tuple(
            MapFile(
                f"SFD_dust_4096_{pole}.fits",
                "https://doi.org/10.7910/DVN/EWCNL5",
                record=_DATASET + "10.7910/DVN/EWCNL5",
            )
            for pole in ("ngp", "sgp")
        ),
        "chen2014": (
            MapFile(
                "chen2014map.dat",
                "https://nadc.china-vo.org/res/r101060/",
                address="https://paperdata.china-vo.org/diskec/extinmaps/chen2014map.dat",
                md5="f8a2bc46d411c57ca4c76dc344e291f1",
            ),
        ),
        "combined19": (
            MapFile(
                "combine19.h5",
                "https://zenodo.org/records/3566060",
                record="https://zenodo.org/api/records/3566060",
            ),
        ),
    }
)
"""Files by the name of the map.

Checksums and addresses: dustmaps 1.0.14 and mwdust 1.8; those of bayestar2019.h5: its archive's record, in agreement
with users' copies.
"""


def fetch_map_file(wanted: MapFile, folder: Path, report: Callable[[str], None]) -> Path:
    """Download one file of a dust map, or verify the existing one.

    Parameters
    ----------
    wanted : MapFile
        What to get.
    folder : Path
        Where downloads are kept.
    report : callable
        Takes a line that says name, size and checksum, before anything large is downloaded.

    Returns
    -------
    Path
        The file, its checksum verified.

    Raises
    ------
    FetchError
        If the archive cannot be reached or wants a browser, or the checksum differs.
    """
    target = folder / wanted.name
    if wanted.record:
        wanted = _ask_record(wanted, folder)
    if target.is_file():
        report(f"{target}: already here; checking MD5 {wanted.md5}")
        with target.open("rb") as handle:
            _compare(target, hashlib.file_digest(handle, "md5").hexdigest(), wanted)
        return target
    if wanted.size:
        report(_described(wanted))
    with _open(wanted.address, wanted, folder) as answer:
        if not wanted.size:
            wanted = replace(wanted, size=int(answer.headers.get("Content-Length") or 0))
            report(_described(wanted))
        folder.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(target.name + ".part")
        digest = hashlib.md5(usedforsecurity=False)
        try:
            with draft.open("wb") as handle, tqdm(total=wanted.size or None, unit="B", unit_scale=True) as bar:
                for chunk in _chunks(answer):
                    handle.write(chunk)
                    digest.update(chunk)
                    bar.update(len(chunk))
        except (OSError, HTTPException) as error:
            raise FetchError(_stopped(wanted, folder, error)) from error
    _compare(draft, digest.hexdigest(), wanted)
    draft.replace(target)
    return target


def _described(wanted: MapFile) -> str:
    size = f"{wanted.size / 1e6:.1f} MB" if wanted.size else "size unknown"
    return f"{wanted.name}: {size}, MD5 {wanted.md5}, from {wanted.address}"


def _chunks(answer: HTTPResponse) -> Iterator[bytes]:
    while chunk := answer.read(_CHUNK):
        yield chunk


def _ask_record(wanted: MapFile, folder: Path) -> MapFile:
    """The same file with address, size and checksum from its archive."""
    with _open(wanted.record, wanted, folder) as answer:
        text = answer.read()
    try:
        files = list(_files(json.loads(text), wanted.record))
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise FetchError(f"{wanted.record} is no record of files ({error!r}). {_by_hand(wanted, folder)}") from error
    theirs = wanted.theirs or wanted.name
    for names, stated in files:
        if theirs in names:
            return replace(wanted, **stated)
    raise FetchError(f"{wanted.record} names no file {theirs}. {_by_hand(wanted, folder)}")


def _files(record: dict[str, Any], address: str) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Names of the files of a record, and their metadata."""
    if "data" in record:  # Dataverse
        start = address[: address.index("/api/")]
        for entry in record["data"]["latestVersion"]["files"]:
            file = entry["dataFile"]
            stated = {
                "address": f"{start}/api/access/datafile/{file['id']}",
                "size": file["filesize"],
                "md5": file["md5"],
            }
            yield (file["filename"], file["contentType"]), stated
    else:  # Zenodo
        for file in record["files"]:
            stated = {
                "address": file["links"]["self"],
                "size": file["size"],
                "md5": file["checksum"].removeprefix("md5:"),
            }
            yield (file["key"],), stated


def _open(address: str, wanted: MapFile, folder: Path) -> HTTPResponse:
    """Response of a server; None without one."""
    try:
        answer: HTTPResponse = urlopen(Request(address, headers=_WHO), timeout=_TIMEOUT_S)  # noqa: S310 - https
    except (OSError, HTTPException) as error:
        raise FetchError(_stopped(wanted, folder, error)) from error
    if answer.status != 200:  # the Dataverse has answered programs with an empty 202 that asks for a browser
        answer.close()
        raise FetchError(
            f"{urlsplit(address).netloc} answered HTTP {answer.status} without {wanted.name}: it may want a browser. "
            f"{_by_hand(wanted, folder)}"
        )
    return answer


def _compare(path: Path, result: str, wanted: MapFile) -> None:
    if result != wanted.md5:
        raise FetchError(
            f"{path} has MD5 {result}, expected {wanted.md5}. Delete it and fetch again; if it happens twice, the file "
            f"was replaced at {wanted.page} and must not be trusted."
        )


def _stopped(wanted: MapFile, folder: Path, error: Exception) -> str:
    return f"Could not download {wanted.name}: {error}. Check the network. {_by_hand(wanted, folder)}"


def _by_hand(wanted: MapFile, folder: Path) -> str:
    checked = " and give the same command again: it checks the file" if not wanted.record else ""
    return f"With a browser it is at {wanted.page}: put it into {folder} as {wanted.name}{checked}."
