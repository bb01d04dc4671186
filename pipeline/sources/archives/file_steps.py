"""Steps that fetch files of the profiles: APOGEE's tables, dust maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches

from pipeline.sources.archives.files import FileClient, by_hand
from pipeline.sources.archives.plan import Item
from pipeline.sources.archives.profile import Archives, RemoteFile
from pipeline.sources.archives.steps import Estimate, Fetch, Fetching, MissingInputError, Step
from pipeline.sources.dust_maps import DUST_MAPS

DEFAULT_MAP = "bayestar2019"
DEFAULT_APOGEE = "allStar"


def file_step(name: str, contents: str, keys: Callable[[Fetching], tuple[str, ...]]) -> Step:
    """Make a step that fetches files of the profiles.

    Parameters
    ----------
    name, contents : str
        Of the step.
    keys : callable
        Gives the keys of the files in the profiles.
    """

    def items(fetching: Fetching) -> Iterator[Item]:
        for key in keys(fetching):
            file = fetching.archives.file[key]
            yield Item(name, key, {"file": key, "checksum": file.checksum}, file.name, file.size)

    def client(fetching: Fetching) -> FileClient:
        return FileClient(fetching, lambda request: fetching.archives.file[str(request["file"])])

    def expected(fetching: Fetching) -> Estimate:
        files = [fetching.archives.file[key] for key in keys(fetching)]
        return Estimate(len(files), sum(file.size for file in files), 0.0)

    def services(fetching: Fetching) -> tuple[str, ...]:
        used = (service for key in keys(fetching) for service in fetching.archives.file[key].services)
        return tuple(dict.fromkeys(used))

    def request(fetching: Fetching) -> dict[str, list[str]]:
        return {key: list(_addresses(fetching.archives, fetching.archives.file[key])) for key in keys(fetching)}

    return Step(
        name,
        contents,
        items,
        client,
        expected,
        services,
        unit="bytes",
        request=request,
        by_hand=lambda fetching, item: by_hand(fetching.archives.file[item.name], fetching.folder / item.path),
    )


def _addresses(archives: Archives, file: RemoteFile) -> Iterator[str]:
    for service, path in zip(file.services, file.paths or (file.record,), strict=False):
        yield f"{archives.service[service].address}/{path}"


def keys_of_group(group: str, default: str) -> Callable[[Fetching], tuple[str, ...]]:
    """Keys of ``--name`` among the files of a group, or the default one."""

    def keys(fetching: Fetching) -> tuple[str, ...]:
        offered = tuple(key for key, file in fetching.archives.file.items() if file.group == group)
        names = fetching.options.names or (default,)
        for name in names:
            _check_offered(name, offered)
        return names

    return keys


def dust_keys(fetching: Fetching) -> tuple[str, ...]:
    """Keys of the files of the dust maps that ``--name`` names, or of Bayestar2019."""
    keys: dict[str, None] = {}
    for name in fetching.options.names or (DEFAULT_MAP,):
        _check_offered(name, tuple(choice for choice, kind in DUST_MAPS.items() if kind.files))
        for file_name in DUST_MAPS[name].files:
            keys |= {key: None for key, file in fetching.archives.file.items() if file.name == file_name}
    return tuple(keys)


def _check_offered(name: str, offered: tuple[str, ...]) -> None:
    if name not in offered:
        near = get_close_matches(name, offered, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise MissingInputError(f"--name is {name!r}; there are {', '.join(sorted(offered))}.{hint}")


APOGEE = Fetch(
    "apogee",
    f"tables of APOGEE: --name allStar, allStarLite, astra (default: {DEFAULT_APOGEE})",
    (file_step("apogee", "tables of APOGEE", keys_of_group("apogee", DEFAULT_APOGEE)),),
    takes=("names",),
)
DUST = Fetch(
    "dust",
    f"dust maps from their archives: --map {', '.join(sorted(name for name, kind in DUST_MAPS.items() if kind.files))} "
    f"(default: {DEFAULT_MAP})",
    (file_step("dust", "files of dust maps", dust_keys),),
    takes=("names",),
    common=True,
)
