"""ADQL of the declared queries, as each service needs it."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.sources.archives.profile import Query, Service

UPLOAD = "ids"
"""Name of the uploaded table of identifiers."""


def identifier_query(query: Query, service: Service) -> str:
    """ADQL that joins the tables of a query to the uploaded identifiers.

    Outer joins give a row for each identifier, also where the archive has none: a result that was cut without a word
    lacks identifiers, and so cannot be taken for a whole one.

    Parameters
    ----------
    query : Query
        Tables, columns and conditions.
    service : Service
        For names of tables that differ there.
    """
    selected = [f"u.{query.identifier}"]
    for table in query.tables:
        for name, column in table.columns.items():
            selected.append(f"{table.alias}.{name}" + (f" AS {column.alias}" if column.alias else ""))
    lines = ["SELECT " + ", ".join(selected), f"FROM TAP_UPLOAD.{UPLOAD} AS u"]
    lines += [
        f"LEFT OUTER JOIN {service.tables.get(table.name, table.name)} AS {table.alias} ON {table.on}"
        for table in query.tables
    ]
    return "\n".join(lines)


def table_query(table: str, columns: Sequence[str]) -> str:
    """ADQL that returns all rows of a table, with quoted names: some differ in case only."""
    return f"SELECT {', '.join(map(delimited, columns))} FROM {delimited_table(table)}"  # noqa: S608 - delimited


def count_query(table: str) -> str:
    """ADQL that counts the rows of a table, as ``n_rows``."""
    return f"SELECT COUNT(*) AS n_rows FROM {delimited_table(table)}"  # noqa: S608 - a delimited identifier


def columns_query(condition: str) -> str:
    """ADQL that asks TAP_SCHEMA for columns of tables."""
    return (
        "SELECT table_name, column_name, datatype, unit, ucd, description FROM TAP_SCHEMA.columns "  # noqa: S608 - literals
        f"WHERE {condition}"
    )


def is_any_of(tables: Sequence[str]) -> str:
    """Condition of TAP_SCHEMA for tables by name, with and without the quotes that services keep there."""
    names = sorted({spelling for table in tables for spelling in (table, table.replace('"', ""), quoted_parts(table))})
    return f"table_name IN ({', '.join(map(literal, names))})"


def begins_with(prefix: str) -> str:
    """Condition of TAP_SCHEMA for tables whose name begins so, with and without a quotation mark."""
    plain, quoted = literal(prefix + "%"), literal('"' + prefix + "%")
    return f"table_name LIKE {plain} OR table_name LIKE {quoted}"


def literal(text: str) -> str:
    """Text as a literal of ADQL."""
    return "'" + text.replace("'", "''") + "'"


def delimited(name: str) -> str:
    """Name as a delimited identifier of ADQL; quotation marks that it has already are kept."""
    plain = name[1:-1] if len(name) > 1 and name.startswith('"') and name.endswith('"') else name
    return '"' + plain.replace('"', '""') + '"'


def delimited_table(name: str) -> str:
    """Name of a table as ADQL needs it.

    One delimited identifier where it holds a slash, as VizieR's do. Other names are schema and table, and stay as
    TAP_SCHEMA spells them, which the standard makes fit for queries.
    """
    return delimited(name) if "/" in name else name


def plain_name(name: str) -> str:
    """Name of a table or column without quotation marks, in lower case, for comparisons."""
    return name.replace('"', "").lower()


def quoted_parts(name: str) -> str:
    """Name of a table with its schema in quotation marks, as services spell reserved words."""
    schema, dot, table = name.replace('"', "").partition(".")
    return f'"{schema}".{table}' if dot else f'"{schema}"'
