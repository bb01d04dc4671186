"""Steps of TAP fetches: Gaia, 2MASS, AllWISE and distances by identifiers, and catalogues of VizieR."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.sources.archives.plan import Entry, Item, State
from pipeline.sources.archives.profile import Query, Service
from pipeline.sources.archives.queries import identifier_query
from pipeline.sources.archives.steps import Estimate, Fetching, Finding, MissingInputError, Step
from pipeline.sources.archives.tap_check import check_queries
from pipeline.sources.archives.tap_clients import CatalogueClient, IdentifierClient
from pipeline.sources.archives.tap_files import digest, join_results, packed, provenance_of, unpacked
from pipeline.sources.tables.identifiers import whole_numbers
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.recognition import recognise
from pipeline.sources.tables.table_file import TableError

GAIA_TABLE = "gaia.parquet"
M_GIANT_TABLE = "m_giants.parquet"
ABSENT_TABLE = "gaia_absent.csv"
"""Identifiers that the Gaia archive lacks, beside the result."""

DR2_STEP, GAIA_STEP, M_GIANT_STEP = "gaia-from-dr2", "gaia", "m-giants"
_REQUESTS_A_JOB = 12
"""Requests of a chunk: list of tables, submission, start, some polls, result, deletion."""

_EXPECTED_IDS = 43_000

NumberedIds = NDArray[np.int64]


@dataclass(frozen=True)
class Identifiers:
    """Gaia identifiers of a list of stars.

    Parameters
    ----------
    dr3, dr2 : ndarray of int64
        Ascending, each once. DR2's are used where there are none of DR3.
    """

    dr3: NumberedIds
    dr2: NumberedIds


def gaia_identifiers(path: Path, numbering: str = "") -> Identifiers:
    """Gaia identifiers of a table.

    Parameters
    ----------
    path : Path
        A table of any format that our reader opens.
    numbering : str
        "dr2" where a column that looks like DR3's has DR2's identifiers, as LAMOST DR8 v1.0 has.

    Raises
    ------
    MissingInputError
        If the table has none.
    TableError
        If it cannot be read or understood.
    """
    table = open_table(path)
    recipes = recognise(table, keep=False).recipes
    values = {}
    for ours in ("gaia_source_id", "gaia_dr2_source_id"):
        name = recipes[ours].columns[0] if ours in recipes else ""
        numbers = whole_numbers(table.read_exact(name), name, path.name) if name else np.empty(0, np.int64)
        values[ours] = np.unique(numbers[numbers > 0])
    dr3, dr2 = values["gaia_source_id"], values["gaia_dr2_source_id"]
    if numbering == "dr2":
        dr3, dr2 = np.empty(0, np.int64), np.union1d(dr3, dr2)
    if not dr3.size and not dr2.size:
        raise MissingInputError(
            f"{path} has no column of Gaia identifiers with values. It needs source_id or gaia_source_id (DR3), or "
            "gaia_dr2_source_id (DR2)."
        )
    return Identifiers(dr3, np.empty(0, np.int64) if dr3.size else dr2)


def identifiers_from_options(fetching: Fetching) -> Identifiers:
    """Gaia identifiers of the table that the user named.

    Raises
    ------
    MissingInputError
        If none is named.
    """
    if not fetching.options.ids:
        raise MissingInputError("Name the table with the Gaia identifiers: --ids TABLE.")
    return gaia_identifiers(Path(fetching.options.ids), ",".join(fetching.options.names))


def gaia_steps(identifiers: Callable[[Fetching], Identifiers] = identifiers_from_options) -> tuple[Step, Step]:
    """Make the steps of :data:`GAIA_TABLE`: DR3 identifiers of DR2's where needed, then the rows.

    Parameters
    ----------
    identifiers : callable
        Gaia identifiers of the stars; raises MissingInputError where the input is not there yet.
    """

    def dr2_items(fetching: Fetching) -> Iterable[Item]:
        return _chunks(fetching, DR2_STEP, identifiers(fetching).dr2)

    def dr3_items(fetching: Fetching) -> Iterable[Item]:
        if _is_by_hand(fetching.folder / GAIA_TABLE):
            return ()
        return _chunks(fetching, GAIA_STEP, _all_dr3(fetching, identifiers(fetching)))

    def finish(fetching: Fetching) -> Path:
        if _is_by_hand(fetching.folder / GAIA_TABLE):
            return fetching.folder / GAIA_TABLE
        return _join_gaia(fetching, identifiers(fetching))

    def nothing_expected(_fetching: Fetching) -> Estimate:
        return Estimate(0, 0, 0.0, "none where the table has identifiers of DR3")

    return (
        Step(
            DR2_STEP,
            "DR3 identifiers of Gaia DR2 sources",
            dr2_items,
            lambda fetching: IdentifierClient(fetching, fetching.archives.query[DR2_STEP]),
            nothing_expected,
            lambda fetching: fetching.archives.query[DR2_STEP].services,
            request=lambda fetching: _recorded(fetching.archives.query[DR2_STEP]),
            check=_check_gaia,
        ),
        Step(
            GAIA_STEP,
            "Gaia DR3, 2MASS, AllWISE and distances by source_id",
            dr3_items,
            lambda fetching: IdentifierClient(fetching, fetching.archives.query[GAIA_STEP]),
            lambda fetching: _expected(fetching, GAIA_STEP, _EXPECTED_IDS),
            lambda fetching: fetching.archives.query[GAIA_STEP].services,
            finish,
            request=lambda fetching: _recorded(fetching.archives.query[GAIA_STEP]),
            by_hand=_gaia_by_hand,
            check=_check_gaia,
        ),
    )


def _check_gaia(fetching: Fetching) -> Iterator[Finding]:
    """Ask each service once for what both steps need."""
    return check_queries(fetching, DR2_STEP, GAIA_STEP)


def _is_by_hand(path: Path) -> bool:
    """Whether a result was put there by the user: a table with Gaia identifiers that this program did not join.

    Raises
    ------
    TableError, MissingInputError
        If a file is there that is no such table.
    """
    if not path.exists():
        return False
    table = open_table(path)
    if table.form == "Parquet" and provenance_of(path):
        return False
    gaia_identifiers(path)
    return True


def _recorded(query: Query) -> Mapping[str, Any]:
    return {"query": identifier_query(query, Service(address=""))}


def _expected(fetching: Fetching, name: str, rows: int) -> Estimate:
    query = fetching.archives.query[name]
    services = [fetching.archives.service[key] for key in query.services]
    chunks = -(-rows // min(service.upload_rows for service in services)) if query.tables else 1
    requests = chunks * _REQUESTS_A_JOB
    return Estimate(requests, rows * query.bytes_a_row, requests * services[0].spacing_s, "expected")


def _chunks(fetching: Fetching, step: str, ids: NumberedIds) -> Iterator[Item]:
    """Items of identifiers, each small enough for every service of the query."""
    if not ids.size:
        return
    query = fetching.archives.query[step]
    size = min(fetching.archives.service[key].upload_rows for key in query.services)
    text, every = identifier_query(query, Service(address="")), digest(ids)
    for number, first in enumerate(range(0, ids.size, size), 1):
        part = ids[first : first + size]
        name = f"{number:04d}"
        request = {"query": text, "first": first, "count": int(part.size), "ids": packed(part), "list": every}
        yield Item(step, name, request, f"{step}/{name}.parquet", int(part.size) * query.bytes_a_row)


def _done(fetching: Fetching, step: str, ids: NumberedIds) -> list[Entry]:
    """Chunks of a list of identifiers that are there; those of an earlier list are not among them."""
    every = digest(ids)
    entries = fetching.plan.entries(step, (State.DONE,))
    return sorted(
        (entry for entry in entries if entry.item.request["list"] == every),
        key=lambda entry: int(entry.item.request["first"]),
    )


def _neighbours(fetching: Fetching, dr2: NumberedIds) -> NDArray[np.int64]:
    """Pairs of DR2 and DR3 identifiers, shape (n, 2), in ascending order of DR2's.

    Raises
    ------
    MissingInputError
        If the step that gets them has not run.
    """
    entries = _done(fetching, DR2_STEP, dr2)
    if sum(int(entry.item.request["count"]) for entry in entries) != dr2.size:
        raise MissingInputError(
            f"The DR3 identifiers of {dr2.size:,} DR2 sources are not all there: step {DR2_STEP} must run first."
        )
    parts = [pq.read_table(fetching.folder / entry.item.path, columns=list(_PAIR)) for entry in entries]
    joined = pa.concat_tables(parts)
    return np.stack([joined.column(name).to_numpy() for name in _PAIR], axis=1)


def _all_dr3(fetching: Fetching, known: Identifiers) -> NumberedIds:
    return np.unique(_neighbours(fetching, known.dr2)[:, 1]) if known.dr2.size else known.dr3


_PAIR = ("dr2_source_id", "dr3_source_id")


def _join_gaia(fetching: Fetching, known: Identifiers) -> Path:
    """Join the chunks that are there, list the identifiers without a row, and record the counts.

    Raises
    ------
    MissingInputError
        If there is no chunk.
    """
    pairs = _neighbours(fetching, known.dr2) if known.dr2.size else None
    ids = _all_dr3(fetching, known)
    entries = _done(fetching, GAIA_STEP, ids)
    if not entries:
        raise MissingInputError(f"No part of {GAIA_TABLE} is there yet: nothing was fetched.")
    if not sum(entry.rows or 0 for entry in entries):
        raise MissingInputError(
            f"The Gaia archive has none of the {ids.size:,} identifiers: are they of DR3? With --name dr2 they are "
            "taken for those of DR2."
        )
    parts = [fetching.folder / entry.item.path for entry in entries]
    target = fetching.folder / GAIA_TABLE
    name = "" if pairs is None else _PAIR[0]
    rows = join_results(parts, target, (_dr2_of(path, pairs) for path in parts), name)
    absent = _absent(fetching, entries)
    rejects = [(int(number), "absent in Gaia DR3") for number in absent]
    if pairs is not None:
        rejects += [(int(number), "no neighbour in Gaia DR3") for number in np.setdiff1d(known.dr2, pairs[:, 0])]
    _write_absent(fetching.folder / ABSENT_TABLE, rejects)
    counts = {"rows": rows, "absent": len(rejects), "not fetched": int(ids.size - rows - absent.size)}
    for path in parts:
        for key, value in provenance_of(path).get("counts", {}).items():
            if key in ("several", "undecided"):
                counts[key] = counts.get(key, 0) + int(value)
    fetching.plan.describe({GAIA_TABLE: json.dumps(counts, sort_keys=True)})
    fetching.say(_joined_sentence(counts, fetching.archives.query[GAIA_STEP].unit))
    return target


def _joined_sentence(counts: Mapping[str, int], unit: str) -> str:
    parts = [f"{counts['rows']:,} rows by {unit}"]
    if counts["absent"]:
        parts.append(f"{counts['absent']:,} identifiers absent, listed in {ABSENT_TABLE}")
    if counts.get("several"):
        parts.append(f"{counts['several']:,} had several rows, of which the best neighbour's was kept")
    if counts.get("undecided"):
        parts.append(f"{counts['undecided']:,} of these without one: the first row was kept")
    return f"{GAIA_TABLE}: {'; '.join(parts)}."


def _dr2_of(path: Path, pairs: NDArray[np.int64] | None) -> pa.Array | None:
    """DR2 identifier of each row of a chunk: the first in ascending order where several have the same neighbour."""
    if pairs is None:
        return None
    dr3 = pq.read_table(path, columns=["source_id"]).column(0).to_numpy()
    order = np.lexsort((pairs[:, 0], pairs[:, 1]))
    place = np.searchsorted(pairs[order, 1], dr3)
    return pa.array(pairs[order[place], 0])


def _absent(fetching: Fetching, entries: list[Entry]) -> NumberedIds:
    """Identifiers of the chunks for which the archive has no row."""
    lacking = []
    for entry in entries:
        there = pq.read_table(fetching.folder / entry.item.path, columns=["source_id"]).column(0).to_numpy()
        lacking.append(np.setdiff1d(unpacked(entry.item.request["ids"]), there))
    return np.concatenate(lacking)


def _write_absent(path: Path, rejects: list[tuple[int, str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["source_id", "reason"])
    writer.writerows(rejects)
    draft = path.with_name(path.name + ".part")
    draft.write_text(text.getvalue(), "utf-8")
    draft.replace(path)


def _gaia_by_hand(fetching: Fetching, item: Item) -> str:
    first, count = int(item.request["first"]), int(item.request["count"])
    return (
        f"upload {count:,} identifiers from number {first + 1:,} on as table ids with the column source_id at "
        f"https://gea.esac.esa.int/archive/, run the query of {fetching.plan.path.stem}.fetch.json, and put the result "
        f"(VOTable, FITS or CSV) into {fetching.folder} as {GAIA_TABLE}, whatever its format."
    )


def vizier_step(name: str, target: str) -> Step:
    """Step that gets the largest table of a catalogue.

    Parameters
    ----------
    name : str
        Key of its query in the profiles, and name of the step.
    target : str
        File of the table, relative to the folder.
    """

    def items(fetching: Fetching) -> Iterable[Item]:
        query = fetching.archives.query[name]
        yield Item(name, target, {"catalogue": query.catalogue}, target, query.rows * query.bytes_a_row)

    def by_hand(fetching: Fetching, _item: Item) -> str:
        catalogue = fetching.archives.query[name].catalogue.rstrip("/")
        return (
            f"get its largest table (FITS, VOTable or CSV) in a browser from "
            f"https://cdsarc.cds.unistra.fr/viz-bin/cat/{catalogue}, put it into {fetching.folder} as {target}, "
            "whatever its format, and repeat the command, which checks it."
        )

    return Step(
        name,
        "M giants of LAMOST (Li et al. 2023), VizieR J/ApJS/266/4",
        items,
        lambda fetching: CatalogueClient(fetching, fetching.archives.query[name], understood_columns),
        lambda fetching: _expected(fetching, name, fetching.archives.query[name].rows),
        lambda fetching: fetching.archives.query[name].services,
        request=lambda fetching: {"catalogue": fetching.archives.query[name].catalogue},
        by_hand=by_hand,
        check=lambda fetching: check_queries(fetching, name),
    )


def understood_columns(path: Path) -> dict[str, str]:
    """Catalogue columns that a table has, with the reason; or why this is not clear, as ``problem``."""
    try:
        recipes = recognise(open_table(path)).recipes
    except TableError as error:
        return {"problem": str(error)}
    return {ours: f"{', '.join(recipe.columns)} ({recipe.why})" for ours, recipe in recipes.items()}
