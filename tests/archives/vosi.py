"""Documents by which a service describes itself: availability, capabilities, tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from xml.sax.saxutils import escape, quoteattr

from archive_tables import ArchiveTable, unit_and_ucd
from votable_text import vo_type

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


class Limits(Protocol):
    """A service's address and limits."""

    url: str
    default_rows: int
    max_rows: int
    max_upload: int


def availability() -> str:
    """It is up."""
    return (
        f'{_XML}<vosi:availability xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0">'
        "<vosi:available>true</vosi:available></vosi:availability>"
    )


def capabilities(service: Limits) -> str:
    """Where it is, its languages, and its limits."""
    documents = "".join(
        f'<capability standardID="ivo://ivoa.net/std/VOSI#{name}"><interface xsi:type="vs:ParamHTTP">'
        f'<accessURL use="full">{service.url}/{name}</accessURL></interface></capability>'
        for name in ("capabilities", "availability", "tables")
    )
    return (
        f'{_XML}<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" '
        'xmlns:vr="http://www.ivoa.net/xml/VOResource/v1.0" xmlns:tr="http://www.ivoa.net/xml/TAPRegExt/v1.0">'
        '<capability standardID="ivo://ivoa.net/std/TAP" xsi:type="tr:TableAccess">'
        f'<interface role="std" xsi:type="vs:ParamHTTP"><accessURL use="base">{service.url}</accessURL></interface>'
        "<language><name>ADQL</name><version>2.0</version><description>Some of it</description></language>"
        "<outputFormat><mime>application/x-votable+xml</mime><alias>votable</alias></outputFormat>"
        '<uploadMethod ivo-id="ivo://ivoa.net/std/TAPRegExt#upload-inline"/>'
        f'<outputLimit><default unit="row">{service.default_rows}</default>'
        f'<hard unit="row">{service.max_rows}</hard></outputLimit>'
        f'<uploadLimit><hard unit="byte">{service.max_upload}</hard></uploadLimit>'
        f"</capability>{documents}</vosi:capabilities>"
    )


def tables_document(tables: Iterable[ArchiveTable]) -> str:
    """All tables with their columns."""
    schemas: dict[str, list[ArchiveTable]] = {}
    for table in tables:
        schemas.setdefault(table.schema or "vizier", []).append(table)
    content = "".join(
        f"<schema><name>{schema}</name>{''.join(map(_table, items))}</schema>" for schema, items in schemas.items()
    )
    return (
        f'{_XML}<vosi:tableset xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0" '
        'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{content}</vosi:tableset>'
    )


def _table(table: ArchiveTable) -> str:
    columns = "".join(_column(table, name) for name in table.table.colnames)
    return f"<table><name>{escape(table.full_name)}</name><description>Simulated</description>{columns}</table>"


def _column(table: ArchiveTable, name: str) -> str:
    column = table.table[name]
    kind, size = vo_type(column.dtype)
    unit, ucd = unit_and_ucd(column)
    array = f" arraysize={quoteattr(size)}" if size else ""
    return (
        f"<column><name>{escape(name)}</name><description>{escape(column.description)}</description>"
        f"<unit>{escape(unit)}</unit><ucd>{escape(ucd)}</ucd>"
        f'<dataType xsi:type="vs:VOTableType"{array}>{kind}</dataType></column>'
    )
