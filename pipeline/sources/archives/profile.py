"""Services, spectra, files and queries of the archives: what the entries of a profile are."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from pipeline.sources.archives.sky_profile import NameService, SkyService

_MAX_S = 30 * 86_400.0
_Positive = Annotated[float, Meta(gt=0.0, le=_MAX_S)]
_NotNegative = Annotated[float, Meta(ge=0.0, le=_MAX_S)]
_Count = Annotated[int, Meta(ge=0)]
_PositiveInt = Annotated[int, Meta(ge=1)]
_Names = Annotated[tuple[str, ...], Meta(min_length=1)]
_Text = Annotated[str, Meta(min_length=1)]
_Word = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
_FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_+-][A-Za-z0-9._+-]*$")]
CHECKSUM = "(sha1:[0-9a-f]{40}|md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})"
"""Regular expression of a checksum with its kind."""


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service and how politely it is used.

    Parameters
    ----------
    address : str
        Base address, without a slash at its end.
    note : str
        What it is, for messages and the manifest.
    connections : int
        Connections at once.
    spacing_s : float
        Seconds between the starts of two requests.
    timeout_s : float
        Seconds without a byte after which a request has failed.
    min_bytes_s : float
        Bytes a second below which, over ``timeout_s``, a transfer counts as stuck.
    attempts : int
        Requests for one item before it is recorded as failed.
    wait_s : float
        Seconds before the second request; doubled each time, with jitter. ``Retry-After`` goes before.
    max_wait_s : float
        Longest wait between two requests, and longest ``Retry-After`` that is waited for.
    token_variable : str
        Environment variable of a token that the service takes; "" if it takes none.
    own_host : bool
        Whether redirects to other hosts are refused.
    sync_rows : int
        Of TAP: rows that a synchronous query may return; 0 if all queries are asynchronous.
    upload_rows : int
        Of TAP: rows of one uploaded table.
    job_s : float
        Of TAP: seconds in which a job must end.
    poll_s : float
        Of TAP: seconds before a job is asked for its phase again; half as long again each time, up to a minute.
    tables : dict of str to str
        Of TAP: names of tables at this service, where they differ from those of the queries, quoted as it needs them.
    """

    address: Annotated[str, Meta(pattern="^https?://")]
    note: str = ""
    connections: Annotated[int, Meta(ge=1, le=16)] = 2
    spacing_s: _NotNegative = 0.2
    timeout_s: _Positive = 90.0
    min_bytes_s: Annotated[float, Meta(ge=0.0, le=1e12)] = 500.0
    attempts: Annotated[int, Meta(ge=1, le=100)] = 5
    wait_s: _NotNegative = 2.0
    max_wait_s: _NotNegative = 300.0
    token_variable: str = ""
    own_host: bool = False
    sync_rows: _Count = 0
    upload_rows: _PositiveInt = 20_000
    job_s: _Positive = 3600.0
    poll_s: _Positive = 1.0
    tables: dict[str, str] = {}


class SpectrumArchive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An archive of LAMOST spectra and catalogues.

    Parameters
    ----------
    service : str
        Key of its service.
    release, version : str
        Data release and its version.
    spectrum : tuple of str
        Paths of a spectrum below the service's address, tried in order; fields {release}, {version}, {obsid}.
    catalogue : str
        Path of a catalogue; fields {release}, {version}, {name}.
    versions : str
        Path of the list of public releases.
    spectrum_bytes : int
        Typical size of a spectrum, for estimates.
    """

    service: str
    release: _Word
    version: _Word
    spectrum: _Names
    catalogue: _Text
    versions: _Text
    spectrum_bytes: _Count


class RemoteFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of an archive.

    Parameters
    ----------
    contents : str
        What it holds, for messages.
    name : str
        Its name here.
    services : tuple of str
        Keys of the services that have it, in the order in which they are asked.
    paths : tuple of str
        Its path at each service; empty where ``record`` tells.
    page : str
        Where a browser finds it.
    size : int
        Bytes; 0 where unknown.
    checksum : str
        "sha1:...", "md5:..." or "sha256:..."; "" where unknown.
    record : str
        Path of the archive's description of its files (Dataverse or Zenodo), as JSON.
    theirs : str
        Its name or content type in that record; "" where it is ``name``.
    kind : str
        What its first bytes must be: "fits", "gzip", "hdf5", "text".
    group : str
        Name of the fetch that offers it: "apogee", "dust".
    is_table : bool
        Whether the reader of tables must accept it.
    """

    contents: str
    name: _FileName
    services: _Names
    paths: tuple[str, ...] = ()
    page: str = ""
    size: _Count = 0
    checksum: Annotated[str, Meta(pattern=f"^({CHECKSUM})?$")] = ""
    record: str = ""
    theirs: str = ""
    kind: Literal["fits", "gzip", "hdf5", "text"] = "fits"
    group: str = ""
    is_table: bool = False


class QueryColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column of a query.

    Parameters
    ----------
    unit : str
        As TAP_SCHEMA states it; "" where it states none.
    alias : str
        Its name in the result; "" for its own.
    whole : bool
        Whether its values are identifiers, which only whole numbers hold exactly.
    """

    unit: str = ""
    alias: str = ""
    whole: bool = False


class QueryTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table that a query joins to the uploaded identifiers.

    Parameters
    ----------
    name : str
        With its schema, quoted as ADQL needs it.
    alias : str
        Its short name in the query.
    on : str
        Condition of the join; the uploaded table is ``u``.
    columns : dict of str to QueryColumn
        Columns that are taken, in order; none for a table that only leads to another one.
    """

    name: str
    alias: str
    on: str
    columns: dict[str, QueryColumn] = {}


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A query of TAP services: rows of identifiers, or a whole catalogue.

    Parameters
    ----------
    contents : str
        What it returns, for messages.
    services : tuple of str
        Keys of the services that can answer it, in the order in which they are asked.
    tables : tuple of QueryTable
        Tables that are joined to the identifiers; none for a whole catalogue.
    catalogue : str
        Beginning of the names of a catalogue's tables, which TAP_SCHEMA resolves; "" for a query by identifiers.
    identifier : str
        Column of the identifiers, in the upload and in the result.
    present : str
        Column of the result that is empty where the archive has no row of an identifier.
    same : tuple of str
        Two columns of the result; of several rows of an identifier, those where they are equal go before.
    nearest : str
        Column of the result; of several rows of an identifier, that with the smallest value goes before.
    max_rows : int
        Rows that an identifier has on average at most; more are taken for a wrong answer.
    unit : str
        Kind of the identifiers, for messages: "Gaia DR3 source_id".
    bytes_a_row : int
        Typical size of a row of the result, for estimates.
    rows : int
        Expected rows of a whole catalogue, for estimates.
    """

    contents: str
    services: _Names
    tables: tuple[QueryTable, ...] = ()
    catalogue: str = ""
    identifier: str = ""
    present: str = ""
    same: tuple[str, ...] = ()
    nearest: str = ""
    max_rows: _PositiveInt = 1
    unit: str = ""
    bytes_a_row: _Count = 300
    rows: _Count = 0

    @property
    def columns(self) -> tuple[tuple[str, QueryColumn], ...]:
        """Columns of the result of a query by identifiers, with their names there."""
        taken = ((column.alias or name, column) for table in self.tables for name, column in table.columns.items())
        return ((self.identifier, QueryColumn(whole=True)), *taken)


class Archives(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is known of the archives, by key.

    Parameters
    ----------
    service, spectra, file, query, sky, names : dict
        Entries by key, as the headings of the TOML files name them.
    """

    service: dict[str, Service] = {}
    spectra: dict[str, SpectrumArchive] = {}
    file: dict[str, RemoteFile] = {}
    query: dict[str, Query] = {}
    sky: dict[str, SkyService] = {}
    names: dict[str, NameService] = {}
