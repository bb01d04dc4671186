"""A minimal reverse proxy with a path prefix."""

import asyncio
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def reverse_proxy(url, prefix, *, strips):
    """The address of a proxy that passes on what is below the prefix, with or without it in the path."""
    host, _, port = url.partition("//")[2].strip("/").rpartition(":")

    async def serve(reader, writer):
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, _, rest = head.partition("\r\n")
            method, path, version = line.split(" ")
            if path != prefix and not path.startswith(f"{prefix}/") and not path.startswith(f"{prefix}?"):
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await writer.drain()
            else:
                path = (path[len(prefix) :] or "/") if strips else path
                lines = [one for one in rest.rstrip().split("\r\n") if not one.lower().startswith("connection:")]
                upgrades = any(one.lower().startswith("upgrade:") for one in lines)
                lines += [f"Connection: {'Upgrade' if upgrades else 'close'}", "X-Forwarded-For: 192.0.2.1"]
                there, back = await asyncio.open_connection(host, int(port))
                back.write("\r\n".join([f"{method} {path} {version}", *lines, "", ""]).encode())
                await asyncio.gather(pump(reader, back), pump(there, writer))
        writer.close()

    async def pump(source, target):
        with suppress(ConnectionError):
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
            target.close()

    server = await asyncio.start_server(serve, "localhost", 0)
    try:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
