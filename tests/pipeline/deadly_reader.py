"""Readers of spectra that kill their process, for tests of isolated reading."""

import multiprocessing
import os
import signal

from pipeline.stages.lamost_reading import _read_chunk


def deadly(paths):
    """Read as the build does, in a process that some files end."""
    if multiprocessing.parent_process() is not None and any(path.name.startswith("deadly") for path in paths):
        os.kill(os.getpid(), signal.SIGSEGV)
    return _read_chunk(paths)


def refused(_paths):
    """End at once, as when the system has no memory for a process."""
    os.kill(os.getpid(), signal.SIGKILL)
