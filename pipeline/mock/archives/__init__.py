"""The simulated survey in the file formats of the archives."""

from pipeline.mock.archives.apogee import write_long_allstar
from pipeline.mock.archives.writing import ArchiveFiles, read_counts, write_archives

__all__ = ["ArchiveFiles", "read_counts", "write_archives", "write_long_allstar"]
