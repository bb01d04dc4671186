"""Record of a fetch for the manifest: service, release, request, dates, rows, checksums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.sources.archives.plan import Entry, State
from pipeline.sources.archives.steps import Fetch, Fetching, Step
from pipeline.sources.archives.storing import write_whole

RECORD_END = ".fetch.json"
"""End of the name of a record, which lies beside the plan file."""

MAX_LISTED = 200
"""Files that are listed one by one; of more, the record holds a common checksum, and the plan each."""

_MAX_PARENTS = 4
_MAX_RECORD_BYTES = 16 << 20


def record_path(folder: Path, name: str) -> Path:
    """Path of the record of a fetch."""
    return folder / f"{name}{RECORD_END}"


def write_record(fetch: Fetch, fetching: Fetching, results: Mapping[str, Path]) -> Path:
    """Write the record of a fetch from its plan.

    Parameters
    ----------
    fetch : Fetch
        The fetch.
    fetching : Fetching
        Its plan, archives and options.
    results : mapping of str to Path
        Tables that steps joined from their files, by step.

    Returns
    -------
    Path
        The file.
    """
    document = {
        "fetch": fetch.name,
        "program": f"mgiant-explorer {__version__}",
        "recorded": datetime.now(UTC).isoformat(timespec="seconds"),
        "options": asdict(fetching.options),
        "steps": [_of_step(step, fetching, results.get(step.name)) for step in fetch.steps],
    }
    path = record_path(fetching.folder, fetch.name)
    write_whole(path, f"{json.dumps(document, indent=1, ensure_ascii=False)}\n".encode())
    return path


def _of_step(step: Step, fetching: Fetching, joined: Path | None) -> dict[str, Any]:
    entries = fetching.plan.entries(step.name)
    done = [entry for entry in entries if entry.state is State.DONE]
    first, last = fetching.plan.period(step.name)
    services = [fetching.archives.service[key] for key in step.services(fetching)]
    counts = {str(state): sum(entry.state is state for entry in entries) for state in State}
    result: dict[str, Any] = {
        "step": step.name,
        "contents": step.contents,
        "services": [{"address": service.address, "note": service.note} for service in services],
        "request": dict(step.request(fetching)),
        "items": {state: count for state, count in counts.items() if count},
        "bytes": sum(entry.bytes for entry in done),
        "rows": sum(entry.rows or 0 for entry in done),
        "fetched": [first, last],
        "folders": sorted({Path(entry.item.path).parts[0] for entry in done if len(Path(entry.item.path).parts) > 1}),
        "sha256": _digest(done),
    }
    files = {entry.item.path: _of_file(entry) for entry in done} if len(done) <= MAX_LISTED else {}
    if joined is not None:
        name = joined.relative_to(fetching.folder).as_posix()
        with joined.open("rb") as handle:
            sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
        files[name] = {"bytes": joined.stat().st_size, "sha256": sha256}
    result["files"] = files
    return result


def _of_file(entry: Entry) -> dict[str, Any]:
    rows = {} if entry.rows is None else {"rows": entry.rows}
    note = {"note": entry.reason} if entry.reason else {}
    return {"bytes": entry.bytes, "sha256": entry.sha256, **rows, **note}


def _digest(entries: Iterable[Entry]) -> str:
    """SHA-256 over the sorted lines "path sha256" of files."""
    lines = sorted(f"{entry.item.path} {entry.sha256}" for entry in entries)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def records_of(path: Path, sha256: str = "") -> list[dict[str, Any]]:
    """Parts of records of fetches that say where an input came from.

    Parameters
    ----------
    path : Path
        A file or a folder that a build reads.
    sha256 : str
        Checksum of the file.

    Returns
    -------
    list of dict
        For each step that fetched the file with this checksum, or files of the folder: fetch, program, options, and
        what the record says of the step; of a file only its own part. Empty where no record lies beside it or in one
        of the folders above.
    """
    return list(_matching(path.absolute(), sha256))


def _matching(path: Path, sha256: str) -> Iterator[dict[str, Any]]:
    is_folder = path.is_dir()
    above = [path, *path.parents] if is_folder else list(path.parents)
    for folder in above[:_MAX_PARENTS]:
        for record in sorted(folder.glob(f"*{RECORD_END}")):
            document = _read(record)
            if "problem" in document:
                yield document
            relative = path.relative_to(folder).as_posix()
            for step in document.get("steps", []):
                part = _of_folder(step, relative) if is_folder else _of_input(step, relative, sha256)
                if part is not None:
                    yield {key: document[key] for key in ("fetch", "program", "options") if key in document} | part


def _of_folder(step: Mapping[str, Any], relative: str) -> dict[str, Any] | None:
    parts = Path(relative).parts
    within = any(not parts or parts[0] == name for name in step.get("folders", ()))
    return {key: value for key, value in step.items() if key != "files"} if within else None


def _of_input(step: Mapping[str, Any], relative: str, sha256: str) -> dict[str, Any] | None:
    file = step.get("files", {}).get(relative)
    if not file or not sha256 or file.get("sha256") != sha256:
        return None
    kept = {key: step[key] for key in ("step", "contents", "services", "request", "fetched") if key in step}
    return kept | {"file": relative, **file}


def _read(path: Path) -> dict[str, Any]:
    """Read a record; of an unreadable one, the problem."""
    try:
        if path.stat().st_size > _MAX_RECORD_BYTES:
            return {"problem": f"{path.name} is too large for a record of a fetch."}
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        return {"problem": f"{path.name} cannot be read as the record of a fetch ({type(error).__name__})."}
    steps = document.get("steps") if isinstance(document, dict) else None
    is_record = isinstance(steps, list) and all(isinstance(step, dict) for step in steps)
    return document if is_record else {"problem": f"{path.name} is no record of a fetch."}
