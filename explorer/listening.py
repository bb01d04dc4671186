"""Check of the server address before anything is opened or built."""

from __future__ import annotations

import errno
import socket
import sys

_REASONS = {
    errno.EADDRINUSE: "another program uses it; choose another --port, or 0 for a free one",
    errno.EADDRNOTAVAIL: "this computer does not have that address; use one of its addresses, or localhost",
    errno.EACCES: "only the administrator may use ports below 1024 here; choose a --port from 1024 on",
}


def listening_refusal(address: str, port: int) -> str:
    """Reason why the server cannot listen at an address.

    Parameters
    ----------
    address : str
        Name or number of an interface; "" for all of them.
    port : int
        TCP port; 0 for any free one.

    Returns
    -------
    str
        One sentence, "" when the port is free.
    """
    place = f"{address or 'any address'}, port {port}"
    if not 0 <= port <= 65535:
        return f"The explorer cannot listen at {place}: ports are numbers from 0 to 65535."
    try:
        result = socket.getaddrinfo(address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        return f"The explorer cannot listen at {place}: this name has no address ({error}); check --address."
    for family, kind, protocol, _, where in result:
        try:
            with socket.socket(family, kind, protocol) as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will
                if family == socket.AF_INET6:
                    tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                tried.bind(where)
                tried.listen(1)
        except OSError as error:
            if error.errno == errno.EAFNOSUPPORT or (error.errno == errno.EADDRNOTAVAIL and where[0] == "::1"):
                continue  # a machine without IPv6: the server leaves it out, too
            return f"The explorer cannot listen at {place}: {_REASONS.get(error.errno or 0, error.strerror)}."
    return ""


def refuse_address(address: str, port: int) -> None:
    """Exit with status 2 and one sentence if :func:`listening_refusal` finds a reason."""
    refusal = listening_refusal(address, port)
    if refusal:
        sys.stderr.write(f"error: {refusal}\n")
        sys.exit(2)
