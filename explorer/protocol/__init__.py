"""Messages between page and server: requests of the page, and parts of the server's updates.

Each request is a frozen structure with the role that it needs; its kind on the wire is its name in snake case. What
the server sends is one message of any of the parts that :class:`Update` declares, each of which is a frozen structure
down to its leaves. The types of the page, ``assets/js/protocol.d.ts``, are generated from this package
(:mod:`explorer.protocol.typescript`).
"""

from explorer.protocol.decoding import MalformedRequestError, UnknownRequestError, decode
from explorer.protocol.encoding import UndeclaredPartError, checked, encoded, merged
from explorer.protocol.requests import *  # noqa: F403 - each request is declared once, in its room
from explorer.protocol.updates import *  # noqa: F403 - each part is declared once, in its room

__all__ = [
    "MalformedRequestError",
    "UndeclaredPartError",
    "UnknownRequestError",
    "checked",
    "decode",
    "encoded",
    "merged",
]
