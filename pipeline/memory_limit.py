"""Behaviour under a limit of the address space (``ulimit -v``), where numerical libraries hang.

OpenBLAS that has no room for a thread's buffer may ask for it again and again, for ever; OpenMP ends the program. So a
limit that is too low is refused before they are imported, and a process that stays at its limit is ended.
"""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

LIBRARIES_BYTES = 1_000_000_000
"""Address space of the imported libraries; measured: 0.79 GB and what the first stages take."""

THREAD_BYTES = 125_000_000
"""Memory of each thread of OpenBLAS (two copies) and OpenMP; measured: 84 MB at import, and stacks."""

BUFFER_BYTES = 64_000_000
"""Minimum room for OpenBLAS, which needs a buffer of 32 MB for each caller."""

STUCK_SECONDS = 30.0
"""Time without room for a buffer after which OpenBLAS is assumed to hang."""

_EVERY_SECONDS = 0.5
_SIZE = Path("/proc/self/statm")

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


def memory_refusal(environment: Mapping[str, str] = os.environ) -> str:
    """Why the libraries cannot work under the limit of the address space (``ulimit -v``).

    Parameters
    ----------
    environment : mapping of str to str
        Environment variables: OpenBLAS takes its number of threads from them.

    Returns
    -------
    str
        "" when they can.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    threads = _threads(environment)
    needed = LIBRARIES_BYTES + threads * THREAD_BYTES
    if limit == resource.RLIM_INFINITY or limit >= needed:
        return ""
    fewer = f", or set {THREAD_VARIABLES[0]}=1" if threads > 1 else ""
    return (
        f"The limit on address space (ulimit -v) is {limit / 1e9:.2f} GB; the numerical libraries need "
        f"{needed / 1e9:.2f} GB with {threads} threads, and a build more. Raise the limit{fewer}."
    )


def watch_memory(end: Callable[[str], object]) -> None:
    """Watch in a thread for a process that stays at its limit of address space, if there is one.

    Parameters
    ----------
    end : callable
        Ends the process with a sentence.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and _SIZE.is_file():
        threading.Thread(target=_watch, args=(limit, end), name="memory", daemon=True).start()


def _watch(limit: int, end: Callable[[str], object]) -> None:
    page = resource.getpagesize()
    roomy, used = time.monotonic(), 0
    while time.monotonic() - roomy < STUCK_SECONDS:
        time.sleep(_EVERY_SECONDS)
        with suppress(MemoryError):  # no room, as at the last look
            used = int(_SIZE.read_text("ascii").split()[0]) * page
        if limit - used > BUFFER_BYTES:
            roomy = time.monotonic()
    end(
        f"There is not enough memory: {used / 1e9:.2f} GB of the {limit / 1e9:.2f} GB of address space (ulimit -v) are "
        f"used since {STUCK_SECONDS:.0f} s. Raise the limit, then run the same command again: a build continues from "
        "its last checkpoint."
    )


def _threads(environment: Mapping[str, str]) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = [environment.get(name, "") for name in THREAD_VARIABLES]
    return next((min(cores, int(text)) for text in asked if text.isdigit() and int(text)), cores)
