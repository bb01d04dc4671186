"""Tables of foreign origin: one safe reader for every format."""

from pipeline.sources.tables.known import READERS, read_tables

__all__ = ["READERS", "read_tables"]
