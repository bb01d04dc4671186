"""Descriptions that Dataverse and Zenodo give of the files of a data set: address, size, checksum."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from pipeline.sources.archives.fetching import ItemError
from pipeline.sources.archives.profile import CHECKSUM, RemoteFile
from pipeline.sources.archives.transport import Answer, Transport

_MAX_BYTES = 16 << 20


def with_record(wanted: RemoteFile, transport: Transport) -> RemoteFile:
    """Complete a file with path, size and checksum of its archive's record.

    Parameters
    ----------
    wanted : RemoteFile
        With ``record``, a path at the service of ``transport``.
    transport : Transport
        Of the archive.

    Raises
    ------
    ItemError
        If the archive does not answer, its answer is no record, or the record names no such file.
    """
    where = transport.address(wanted.record)

    def received(answer: Answer) -> bytes:
        if answer.status != 200:
            raise ItemError(
                f"{where}: the archive answered HTTP {answer.status} without {wanted.name}: it may want a browser."
            )
        return answer.body(_MAX_BYTES)

    text = transport.get(wanted.record, received)
    theirs = wanted.theirs or wanted.name
    try:
        stated = next((values for names, values in _files(json.loads(text), transport) if theirs in names), None)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ItemError(f"{where} is no record of files ({type(error).__name__}).") from error
    if stated is None:
        raise ItemError(f"{where} names no file {theirs}.")
    if not re.fullmatch(CHECKSUM, stated["checksum"]):
        raise ItemError(f"{where} states no checksum of {theirs} that is known here.")
    return msgspec.structs.replace(wanted, **stated)


def _files(record: dict[str, Any], transport: Transport) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Names of the files of a record, and what it states of them."""
    if "data" in record:  # Dataverse
        for entry in record["data"]["latestVersion"]["files"]:
            file = entry["dataFile"]
            path = transport.address(f"api/access/datafile/{int(file['id'])}")
            stated = {"paths": (path,), "size": int(file["filesize"]), "checksum": f"md5:{file['md5']}"}
            yield (str(file["filename"]), str(file["contentType"])), stated
    else:  # Zenodo
        for file in record["files"]:
            path, size = str(file["links"]["self"]), int(file["size"])
            yield (str(file["key"]),), {"paths": (path,), "size": size, "checksum": str(file["checksum"])}
