"""Tables of foreign origin: one reader for all formats, and recognition of their columns."""

from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.recognition import recognise
from pipeline.sources.tables.star_columns import StarColumns, read_stars
from pipeline.sources.tables.table_file import Limits, TableError, TableFile

__all__ = ["Limits", "StarColumns", "TableError", "TableFile", "open_table", "read_stars", "recognise"]
