"""The one way to call galpy's C code: without its remarks, and with the answer to Ctrl-C as it was.

galpy 1.12's integrators install a handler of SIGINT of their own and leave it there: Ctrl-C is ignored from then on,
while Python still reports its own handler.
"""

from __future__ import annotations

import ctypes
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from galpy.util import galpyWarning

_get_handler = ctypes.pythonapi.PyOS_getsig
_get_handler.restype, _get_handler.argtypes = ctypes.c_void_p, (ctypes.c_int,)
_set_handler = ctypes.pythonapi.PyOS_setsig
_set_handler.restype, _set_handler.argtypes = ctypes.c_void_p, (ctypes.c_int, ctypes.c_void_p)


def installed_handler(number: int = signal.SIGINT) -> int:
    """Address of the system's handler of a signal; 0 for the default, 1 where it is ignored."""
    return _get_handler(number) or 0


@contextmanager
def galpy_calls() -> Iterator[None]:
    """Call galpy in this block, from any thread; real errors raise."""
    handler = installed_handler()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", galpyWarning)
            yield
    finally:
        _set_handler(signal.SIGINT, handler)
