"""Steps that fetch from LAMOST: catalogues by name, spectra by obsid."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pipeline.sources.archives.fetching import ItemError
from pipeline.sources.archives.files import FileClient, by_hand
from pipeline.sources.archives.lamost import SpectrumClient, spectrum_addresses, spectrum_path
from pipeline.sources.archives.plan import Item
from pipeline.sources.archives.profile import RemoteFile, SpectrumArchive
from pipeline.sources.archives.steps import Estimate, Fetch, Fetching, Finding, MissingInputError, Step
from pipeline.sources.archives.transport import Answer, Transport
from pipeline.sources.tables.obsid_lists import listed_obsids
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.recognition import recognise
from pipeline.sources.tables.table_file import TableError

ARCHIVE = "lamost"
"""Key of the archive in the profiles."""

DEFAULT_CATALOGUE = "LRS_mstellar"
_RELEASE = re.compile(r"(dr\d+)/(v\d+(?:\.\d+)*)")
_CATALOGUE = re.compile(r"[A-Za-z0-9_]{1,60}")
_MAX_VERSIONS_BYTES = 4 << 20


def archive_of(fetching: Fetching) -> SpectrumArchive:
    """LAMOST's archive with the release that the user asked for.

    Raises
    ------
    MissingInputError
        If the release is not written as ``dr10/v2.0``.
    """
    archive = fetching.archives.spectra[ARCHIVE]
    if not fetching.options.release:
        return archive
    match = _RELEASE.fullmatch(fetching.options.release)
    if match is None:
        raise MissingInputError(
            f"--release is {fetching.options.release!r}; a release of LAMOST is written with its version: dr10/v2.0."
        )
    return msgspec.structs.replace(archive, release=match[1], version=match[2])


def _named(archive: SpectrumArchive) -> dict[str, str]:
    return {"release": archive.release, "version": archive.version}


def _fixed_release(fetching: Fetching) -> SpectrumArchive:
    archive = archive_of(fetching)
    fetching.plan.fix("LAMOST release", f"{archive.release}/{archive.version}")
    return archive


def obsids_of_options(fetching: Fetching) -> Iterable[int]:
    """Obsids of the table that ``--ids`` names.

    Raises
    ------
    MissingInputError
        If the option is missing.
    """
    if not fetching.options.ids:
        raise MissingInputError(
            "Spectra are fetched by obsid: name a table with a column obsid, such as LAMOST's catalogue: --ids TABLE."
        )
    return (int(number) for number in listed_obsids(Path(fetching.options.ids)))


def spectra_step(obsids: Callable[[Fetching], Iterable[int]] = obsids_of_options, expected_spectra: int = 0) -> Step:
    """Make the step that fetches spectra.

    Parameters
    ----------
    obsids : callable
        Gives the obsids; raises MissingInputError while an earlier step has not given them.
    expected_spectra : int
        How many there will be, for the estimate before that.
    """

    def items(fetching: Fetching) -> Iterator[Item]:
        archive = _fixed_release(fetching)
        for obsid in obsids(fetching):
            request = {"obsid": obsid, **_named(archive)}
            yield Item("spectra", str(obsid), request, spectrum_path(obsid), archive.spectrum_bytes)

    def client(fetching: Fetching) -> SpectrumClient:
        archive = archive_of(fetching)
        return SpectrumClient(archive, fetching.archives.service[archive.service], fetching.received, fetching.say)

    def expected(fetching: Fetching) -> Estimate:
        archive = archive_of(fetching)
        spacing_s = fetching.archives.service[archive.service].spacing_s
        size = expected_spectra * archive.spectrum_bytes
        return Estimate(expected_spectra, size, expected_spectra * spacing_s, "expected: an earlier step gives obsids")

    def spectrum_by_hand(fetching: Fetching, item: Item) -> str:
        archive = archive_of(fetching)
        service = fetching.archives.service[archive.service]
        return (
            f"get it in a browser from {service.address}/{spectrum_addresses(archive, item.request)[0]}, put it into "
            f"{(fetching.folder / item.path).parent} as {Path(item.path).name} and repeat the command, which checks it."
        )

    return Step(
        "spectra",
        "LAMOST spectra by obsid",
        items,
        client,
        expected,
        _services,
        request=lambda fetching: {**_named(archive_of(fetching)), "paths": list(archive_of(fetching).spectrum)},
        by_hand=spectrum_by_hand,
        check=check_versions,
    )


def catalogue_step(names: Callable[[Fetching], tuple[str, ...]] | None = None) -> Step:
    """Make the step that fetches catalogues.

    Parameters
    ----------
    names : callable, optional
        Gives their names at the archive; by default those of ``--name``, else ``LRS_mstellar``.
    """

    def items(fetching: Fetching) -> Iterator[Item]:
        archive = _fixed_release(fetching)
        for name in (names or _names_of_options)(fetching):
            file = _catalogue_file(archive, name)
            yield Item("lamost-catalogue", name, {"name": name, **_named(archive)}, f"catalogues/{file.name}")

    def file_of(fetching: Fetching) -> Callable[[Mapping[str, Any]], RemoteFile]:
        return lambda request: _catalogue_file(archive_of(fetching), str(request["name"]))

    return Step(
        "lamost-catalogue",
        "LAMOST catalogues",
        items,
        lambda fetching: FileClient(fetching, file_of(fetching), catalogue_rows),
        lambda _fetching: Estimate(1, 0, 0.0, "size unknown before the archive is asked"),
        _services,
        unit="bytes",
        request=lambda fetching: {**_named(archive_of(fetching)), "path": archive_of(fetching).catalogue},
        by_hand=lambda fetching, item: by_hand(file_of(fetching)(item.request), fetching.folder / item.path),
        check=check_versions,
    )


def _services(fetching: Fetching) -> tuple[str, ...]:
    return (archive_of(fetching).service,)


def _names_of_options(fetching: Fetching) -> tuple[str, ...]:
    names = fetching.options.names or (DEFAULT_CATALOGUE,)
    for name in names:
        if not _CATALOGUE.fullmatch(name):
            raise MissingInputError(
                f"--name is {name!r}; catalogues of LAMOST are named such as LRS_mstellar, LRS_catalogue, LRS_stellar."
            )
    return names


def _catalogue_file(archive: SpectrumArchive, name: str) -> RemoteFile:
    path = archive.catalogue.format(name=name, **_named(archive))
    file = re.split(r"[/=]", path)[-1]
    return RemoteFile(
        f"LAMOST catalogue {name} of {archive.release}/{archive.version}",
        file,
        (archive.service,),
        (path,),
        page=f"https://www.lamost.org/{archive.release}/{archive.version}/",
        kind="gzip" if file.endswith(".gz") else "fits",
    )


def catalogue_rows(path: Path) -> int:
    """Read the obsids of a catalogue to its end, and return the number of its rows.

    Raises
    ------
    TableError
        If it is damaged, or has no column of obsids.
    """
    table = open_table(path)
    recipe = recognise(table, keep=False).recipes.get("obsid")
    if recipe is None:
        raise TableError(f"{path.name} has no column obsid: it is no catalogue of LAMOST observations.")
    return sum(len(block) for block in table.blocks(list(recipe.columns)))


def check_versions(fetching: Fetching) -> Iterator[Finding]:
    """Compare the release with LAMOST's list of releases.

    Yields
    ------
    Finding
        Whether the release is listed and public, and which later ones are public.

    Raises
    ------
    ItemError
        If the archive does not answer, or with something else.
    """
    archive = archive_of(fetching)
    with_service = Transport(fetching.archives.service[archive.service], say=fetching.say)
    try:
        versions = _versions(with_service, archive.versions)
    finally:
        with_service.close()
    wanted = (archive.release, archive.version)
    name = "/".join(wanted)
    public = sorted((key for key, status in versions.items() if status == "public"), key=_age)
    if wanted not in versions:
        listed = ", ".join("/".join(key) for key in sorted(versions, key=_age))
        yield Finding(f"The archive lists no release {name}; it lists {listed}.", differs=True)
    elif wanted not in public:
        variable = with_service.token.variable
        needs = f"; it needs a token in {variable}" if variable else ""
        yield Finding(f"Release {name} is {versions[wanted]!r}, not public{needs}.", differs=True)
    else:
        yield Finding(f"Release {name} is public.")
    later = ["/".join(key) for key in public if wanted in versions and _age(key) > _age(wanted)]
    if later:
        yield Finding(f"Later public releases: {', '.join(later)} (--release).")


def _age(key: tuple[str, str]) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", " ".join(key)))


def _versions(transport: Transport, path: str) -> dict[tuple[str, str], str]:
    """Status of each release and version."""
    where = transport.address(path)

    def received(answer: Answer) -> bytes:
        if answer.status != 200:
            raise ItemError(f"{where}: the archive answered HTTP {answer.status} in place of its list of releases.")
        return answer.body(_MAX_VERSIONS_BYTES)

    text = transport.get(path, received)
    try:
        listed = json.loads(text)["versions"]
        return {(str(row["dr_version"]), str(row["sub_version"])): str(row["public_status"]) for row in listed}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ItemError(f"{where} is no list of releases ({type(error).__name__}: {error}).") from error


SPECTRA = Fetch(
    "spectra",
    "LAMOST spectra of the obsids of a table (--ids)",
    (spectra_step(),),
    takes=("ids", "release"),
    results={"spectra": "spectra"},
)
LAMOST_CATALOGUE = Fetch(
    "lamost-catalogue",
    f"LAMOST catalogues by name: --name LRS_mstellar, LRS_catalogue, ... (default: {DEFAULT_CATALOGUE})",
    (catalogue_step(),),
    takes=("names", "release"),
    results={"catalogues": "catalogues"},
)
