"""A frozen release: catalogue with verdicts in all formats, checksums and citation.

Nothing measured changes, and the same products, verdicts and name give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline import __version__
from pipeline.domain.checks import checks_of, impossible
from pipeline.domain.columns import RELEASE_COLUMNS
from pipeline.products.catalog import Catalog
from pipeline.products.cds import cds_files
from pipeline.products.identity import check_identity
from pipeline.products.manifest import Manifest, ProductError
from pipeline.products.product import REPORT_NAME, read_document
from pipeline.products.tables import annotated, fits_bytes, parquet_bytes, votable_bytes
from pipeline.products.versions import current_version, refuse_inside_product
from pipeline.products.vetting import (
    FIT_COLUMNS,
    NO_VERDICT,
    SETTLED,
    Verdict,
    fit_hash,
    read_verdicts,
    verdicts_are_simulated,
)

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
SUMS_NAME = "SHA256SUMS"
PARQUET_NAME = "catalog.parquet"


@dataclass(frozen=True)
class Release:
    """Result of a freeze.

    Parameters
    ----------
    directory : Path
        Where.
    stars : int
        Rows.
    counts : mapping of str to int
        Stars by ``vet_status``.
    """

    directory: Path
    stars: int
    counts: Mapping[str, int]


def merged_verdicts(paths: Iterable[Path], *, simulated: bool) -> tuple[Verdict, ...]:
    """Verdicts of several tables, each star once.

    Raises
    ------
    ProductError
        If two tables contradict each other, or one is about simulated stars and the catalogue is not, or the reverse.
    """
    result: dict[int, Verdict] = {}
    for path in paths:
        verdicts = read_verdicts(path)
        if verdicts and verdicts_are_simulated(path) != simulated:
            kinds = ("simulated", "real") if not simulated else ("real", "simulated")
            raise ProductError(f"{path} holds verdicts on {kinds[0]} stars, the catalogue's are {kinds[1]}.")
        for item in verdicts:
            known = result.setdefault(item.obsid, item)
            if _comparable(known) != _comparable(item):
                raise ProductError(
                    f"{path} says something else of star {item.obsid} than a table before it. Merge the records "
                    "with `python -m explorer import-record`, settle the conflict, and export the verdicts again."
                )
    return tuple(result[star] for star in sorted(result))


def _comparable(item: Verdict) -> tuple[object, ...]:
    """Content of a release for comparisons, with NaN replaced by None."""
    agreement = None if math.isnan(item.agreement) else item.agreement
    return (item.verdict, item.issues, item.reviews, agreement, item.status, item.fit, dict(item.proposal))


def freeze(
    directory: Path,
    verdicts: Sequence[Verdict],
    name: str,
    output: Path,
    *,
    previous: Path | None = None,
    authors: Sequence[str] = (),
    despite: str = "",
) -> Release:
    """Write a release.

    Parameters
    ----------
    directory : Path
        Products.
    verdicts : sequence of Verdict
        A star at most once.
    name : str
        Of the release; it stands in ``vet_release``.
    output : Path
        A folder that does not exist; it appears when it is complete.
    previous : Path, optional
        The release before it, for the changelog.
    authors : sequence of str
        Family and given name, separated by a comma, for the citation.
    despite : str
        Why it is released although a physics check failed or none was made; part of the release.

    Raises
    ------
    ProductError
        If a physics check of the build failed, or none was made, and no reason is given; if the name cannot be used,
        the folder exists, is inside a product or cannot be written, or a verdict is about a star that the catalogue
        lacks.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise ProductError(f"{name!r:.80} is no name of a release: letters, digits and . _ - only, at most 40.")
    _refuse_existing(output)
    refuse_inside_product(output)
    directory = current_version(directory)
    manifest, catalog = Manifest.read(directory), Catalog.read(directory)
    check_identity(directory, manifest)
    words = _words(manifest, name) | _physics(failed_physics(directory), despite)
    columns = {declared: catalog.table[declared.name].to_numpy() for declared in catalog.columns}
    vetted = vet_columns({declared.name: values for declared, values in columns.items()}, verdicts, name)
    columns |= {declared: vetted[declared.name] for declared in RELEASE_COLUMNS}
    table = annotated(columns)
    title = f"{'SIMULATED: ' if manifest.simulated else ''}M-giant catalogue {manifest.name}, release {name}"
    about = [f"{key}: {text}" for key, text in words.items()]
    files = {
        "catalog.fits": fits_bytes(table, words),
        "catalog.vot": votable_bytes(table, words),
        PARQUET_NAME: parquet_bytes(table, words),
        **cds_files(columns, "catalog.dat", title, about),
        "CHANGELOG.md": _changelog(title, vetted, catalog, verdicts, previous, words).encode(),
        "CITATION.cff": _citation(title, manifest, name, authors).encode(),
        "manifest.json": (json.dumps(words, indent=1, ensure_ascii=False) + "\n").encode(),
    }
    files[SUMS_NAME] = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {file}\n" for file, data in sorted(files.items())
    ).encode()
    _write(files, output)
    return Release(output, len(catalog), dict(Counter(str(status) for status in vetted["vet_status"])))


def failed_physics(directory: Path) -> tuple[str, ...]:
    """Reasons against a release: failed or missing physics checks.

    Parameters
    ----------
    directory : Path
        Product directory, or a version of it.

    Returns
    -------
    tuple of str
        A sentence each; empty where every check passed or had too few stars.
    """
    path = current_version(directory) / REPORT_NAME
    checks = checks_of(read_document(path)) if path.is_file() else None
    if checks is None:
        return ("the build made no physics checks",)
    return tuple(item.line() for item in impossible(checks))


def _physics(failed: tuple[str, ...], despite: str) -> dict[str, str]:
    """Entries of the release about failed physics checks, which require a reason."""
    reason = " ".join(despite.split())
    if not failed:
        if reason:
            raise ProductError(f"No physics check failed; leave the reason out ({reason!r:.80}).")
        return {}
    if not reason:
        raise ProductError(
            f"The catalogue fails {len(failed)} of its physics checks: {' '.join(failed)} Correct the input and build "
            'again, or release it with a reason: --despite "REASON".'
        )
    return {"released_despite": reason, "failed_physics_checks": " ".join(failed)}


def _refuse_existing(output: Path) -> None:
    if output.exists():
        raise ProductError(f"{output} exists already; a release is never overwritten. Choose another name.")


def _write(files: Mapping[str, bytes], output: Path) -> None:
    """Write a folder atomically; of several simultaneous writers one succeeds."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as folder:
            draft = Path(folder) / output.name
            draft.mkdir()
            for file, data in files.items():
                (draft / file).write_bytes(data)
            draft.rename(output)
    except OSError as error:
        _refuse_existing(output)
        raise ProductError(f"{output} cannot be written ({error}). Is there space, and may you write there?") from error


def vet_columns(columns: Mapping[str, NDArray[Any]], verdicts: Sequence[Verdict], name: str) -> dict[str, NDArray[Any]]:
    """The columns of :data:`RELEASE_COLUMNS` for all stars of a catalogue.

    A verdict on a fit that has changed since is told as outdated and does not count.
    """
    n = columns["obsid"].size
    row_of = {int(star): row for row, star in enumerate(columns["obsid"])}
    added: dict[str, NDArray[Any]] = {
        declared.name: np.full(n, "", object) if declared.dtype == "str" else np.zeros(n, declared.dtype)
        for declared in RELEASE_COLUMNS
    }
    added["vet_flag"][:] = NO_VERDICT
    added["vet_agreement"][:] = np.nan
    added["vet_release"][:] = name
    judged = [fit for fit in FIT_COLUMNS if fit in columns]
    for item in verdicts:
        if item.obsid not in row_of:
            raise ProductError(
                f"There is a verdict on star {item.obsid}, which the catalogue lacks. Is it of another catalogue? "
                f"It was given on {item.catalogue!r}."
            )
        row = row_of[item.obsid]
        present = item.fit == fit_hash({fit: columns[fit][row] for fit in judged})
        added["vet_n"][row] = item.reviews
        added["vet_status"][row] = item.status if present or item.status not in SETTLED else "outdated"
        added["vet_agreement"][row] = item.agreement
        if item.status in SETTLED and present:
            added["vet_flag"][row] = item.verdict
            added["vet_issues"][row] = ",".join(item.issues)
    return added


def _words(manifest: Manifest, name: str) -> dict[str, str]:
    """Provenance of the release, without a date, so that equal inputs give equal bytes."""
    result = {
        "release": name,
        "catalogue": manifest.name,
        "created": manifest.created,
        "catalogue_sha256": manifest.files.get(PARQUET_NAME, ""),
        "program": f"mgiant-explorer {__version__}",
        "choices": json.dumps(dict(manifest.choices), sort_keys=True, ensure_ascii=False),
    }
    return {"SIMULATED": manifest.simulated_note, **result} if manifest.simulated else result


def _changelog(
    title: str,
    vetted: Mapping[str, NDArray[Any]],
    catalog: Catalog,
    verdicts: Sequence[Verdict],
    previous: Path | None,
    words: Mapping[str, str],
) -> str:
    statuses = Counter(str(status) or "not reviewed" for status in vetted["vet_status"])
    flags = Counter(int(flag) for flag in vetted["vet_flag"] if flag != NO_VERDICT)
    lines = [f"# {title}", "", "Measured values are those of the catalogue; vetting added columns beside them.", ""]
    if "released_despite" in words:
        lines += [f"Released despite failed physics checks: {words['released_despite']}", ""]
        lines += [f"Failed: {words['failed_physics_checks']}", ""]
    lines += [f"- {status}: {count:,} stars" for status, count in sorted(statuses.items())]
    lines += [f"- verdict {flag}: {count:,} stars" for flag, count in sorted(flags.items())]
    if previous is not None:
        lines += ["", f"## Since {_release_of(previous)}", "", *_differences(vetted, catalog, previous)]
    lines += ["", "## Verdicts", "", "| obsid | status | verdict | issues | proposed beside the published value |"]
    lines.append("|---|---|---|---|---|")
    row_of = {int(star): row for row, star in enumerate(catalog.table["obsid"])}
    for item in sorted(verdicts, key=lambda item: item.obsid):
        row = row_of[item.obsid]
        status, flag = vetted["vet_status"][row], int(vetted["vet_flag"][row])
        word = "" if flag == NO_VERDICT else str(flag)
        proposed = [_proposed(key, value, catalog, row) for key, value in sorted(item.proposal.items())]
        lines.append(f"| {item.obsid} | {status} | {word} | {vetted['vet_issues'][row]} | {'; '.join(proposed)} |")
    return "\n".join(lines) + "\n"


def _proposed(name: str, value: float | str, catalog: Catalog, row: int) -> str:
    if isinstance(value, str) or name not in catalog.table:
        return f"{name} {' '.join(str(value).replace('|', '/').split())}"
    return f"{name} {value:g} (published {catalog.table[name].iloc[row]:g})"


def _release_of(previous: Path) -> str:
    metadata = pq.read_schema(previous / PARQUET_NAME).metadata or {}
    return bytes(metadata.get(b"release", b"an unnamed release")).decode()


def _differences(vetted: Mapping[str, NDArray[Any]], catalog: Catalog, previous: Path) -> list[str]:
    try:
        old = pq.read_table(previous / PARQUET_NAME, columns=["obsid", "vet_flag", "vet_issues"]).to_pydict()
    except (OSError, KeyError, ValueError) as error:
        raise ProductError(f"{previous} is not a release ({error}).") from error
    before = {
        star: (flag, issues)
        for star, flag, issues in zip(old["obsid"], old["vet_flag"], old["vet_issues"], strict=True)
    }
    lines, fresh = [], 0
    for row, star in enumerate(catalog.table["obsid"]):
        now = (int(vetted["vet_flag"][row]), str(vetted["vet_issues"][row]))
        then = before.pop(int(star), None)
        if then is None:
            fresh += 1
        elif then != now:
            lines.append(f"- {star}: verdict {_word(then)} became {_word(now)}")
    return [*lines, f"- {fresh:,} stars are new, {len(before):,} are gone"]


def _word(verdict: tuple[int, str]) -> str:
    flag, issues = verdict
    return ("none" if flag == NO_VERDICT else str(flag)) + (f" ({issues})" if issues else "")


def _citation(title: str, manifest: Manifest, name: str, authors: Sequence[str]) -> str:
    """Citation file (CFF 1.2), in which strings are written as JSON, a subset of YAML."""
    people = []
    for author in authors:
        family, _, given = (part.strip() for part in author.partition(","))
        people.append(f"  - family-names: {json.dumps(family)}\n    given-names: {json.dumps(given)}\n")
    return (
        "cff-version: 1.2.0\n"
        "message: Please cite this release, and Qiu et al. (2023) whose method it follows.\n"
        "type: dataset\n"
        f"title: {json.dumps(title)}\n"
        f"version: {json.dumps(name)}\n"
        f"date-released: {json.dumps(manifest.created[:10])}\n"
        "authors:\n" + ("".join(people) or f"  - name: {json.dumps(f'Authors of the catalogue {manifest.name}')}\n")
    )
