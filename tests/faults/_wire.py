"""A visitor without a browser, who speaks Bokeh's wire protocol and can send what no page would."""

import asyncio
import json
import re
import time
from urllib.parse import urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

MAX_BYTES = 2_000_000_000
BOX = {"type": "rect", "x0": 3600.0, "x1": 3900.0, "y0": -1.0, "y1": 3.0}
BRUSH = {"kind": "region", "slot": 0, "geometry": BOX, "keys": []}


def encoded(value):
    """A value as Bokeh serialises it."""
    if isinstance(value, dict):
        return {"type": "map", "entries": [[encoded(key), encoded(one)] for key, one in value.items()]}
    if isinstance(value, list | tuple):
        return [encoded(one) for one in value]
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - NaN
        return {"type": "number", "value": "nan"}
    if value in (float("inf"), float("-inf")):
        return {"type": "number", "value": "+inf" if value > 0 else "-inf"}
    return value


def decoded(value):
    """What :func:`encoded` wrote; arrays and bytes are left out."""
    if isinstance(value, list):
        return [decoded(one) for one in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("type")
    if kind == "map":
        return {str(decoded(key)): decoded(one) for key, one in value.get("entries", [])}
    if kind in ("bytes", "ndarray", "typed_array", "slice"):
        return None
    return value["value"] if kind == "number" else {key: decoded(one) for key, one in value.items()}


class Client:
    """One page: a token, a websocket, and the channel of the Explore room."""

    def __init__(self, url, cookie=""):
        self.url, self.headers = url.rstrip("/"), {"Cookie": cookie} if cookie else {}
        self.sent, self.replies, self.received = 0, {}, []
        self.acknowledged = False
        self._arrived, self._writing = asyncio.Event(), asyncio.Lock()

    async def open(self, views=6, width=500, height=400):
        """Open a page as a browser does, greet and look at every view."""
        request = HTTPRequest(self.url + "/", headers=self.headers, request_timeout=120)
        page = await AsyncHTTPClient().fetch(request)
        token = re.search(r'"token":"([^"]+)"', page.body.decode()).group(1)
        parts = urlsplit(self.url)
        address = f"ws://{parts.netloc}{parts.path}/ws"
        request = HTTPRequest(address, headers={**self.headers, "Origin": f"http://{parts.netloc}"})
        self.socket = await websocket_connect(request, subprotocols=["bokeh", token], max_message_size=MAX_BYTES)
        self.reading = asyncio.ensure_future(self._read())
        await self.wait_until(lambda: self.acknowledged)
        document = await self.answer(await self.request("PULL-DOC-REQ", {}), 120)
        self.channel = next(one["id"] for one in _objects(document) if _class_of(one) == "Channel")
        await self.send({"kind": "connect", "seen": True})
        self.views = views
        if views:
            await self.look(width, height)
        return self

    async def _read(self):
        while (header := await self.socket.read_message()) is not None:
            await self.socket.read_message()
            content = await self.socket.read_message()
            if content is None:
                break
            header, content = json.loads(header), json.loads(content)
            for _ in range(2 * header.get("num_buffers", 0)):
                await self.socket.read_message()
            self.acknowledged |= header["msgtype"] == "ACK"
            if header.get("reqid"):
                self.replies[header["reqid"]] = content
            for event in content.get("events", []) if header["msgtype"] == "PATCH-DOC" else []:
                if event["kind"] == "MessageSent":
                    data = decoded(event["msg_data"])
                    self.received.append((time.monotonic(), data.get("values", {}).get("data", data)))
            self._arrived.set()
        self._arrived.set()

    async def request(self, kind, content):
        """Send a protocol message; its id."""
        return await self.raw(kind, json.dumps(content))

    async def raw(self, kind, content):
        """Send a protocol message whose content is a text already."""
        self.sent += 1
        number = f"c{self.sent}"
        async with self._writing:
            for fragment in (json.dumps({"msgid": number, "msgtype": kind}), "{}", content):
                await self.socket.write_message(fragment)
        return number

    async def wait_until(self, found, limit_s=60.0):
        """Wait for a condition that arriving messages change."""
        end = time.monotonic() + limit_s
        while not found():
            if self.reading.done():
                raise ConnectionError("The server has closed the connection.")
            self._arrived.clear()
            await asyncio.wait_for(self._arrived.wait(), max(end - time.monotonic(), 0.001))

    async def answer(self, number, limit_s=60.0):
        """The reply to a protocol message."""
        await self.wait_until(lambda: number in self.replies, limit_s)
        return self.replies.pop(number)

    def patch(self, message, channel=None):
        """The content that carries a message of a page."""
        entries = [["model", {"id": channel or self.channel}], ["data", encoded(message)]]
        values = {"type": "map", "entries": entries}
        data = {"type": "event", "name": "data_event", "values": values}
        return {"events": [{"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": data}]}

    async def send(self, message, *, wait=True, limit_s=60.0):
        """Send a message of the page; seconds until the server acknowledged it."""
        began = time.monotonic()
        number = await self.request("PATCH-DOC", self.patch(message))
        if wait:
            await self.answer(number, limit_s)
        return time.monotonic() - began

    async def look(self, width=500, height=400, shift=0.0):
        """Say what is on screen."""
        window = [3000.0 + shift, 4500.0 + shift, -1.0, 5.0]
        views = [{"slot": slot, "window": window, "width": width, "height": height} for slot in range(self.views)]
        return await self.send({"kind": "look", "views": views})

    async def ask(self, message, key, limit_s=60.0):
        """Send a message and wait for a part of an answer; seconds, and the part."""
        began = time.monotonic()
        await self.send(message, limit_s=limit_s)
        await self.wait_until(lambda: bool(self.parts(key, began)), limit_s)
        return time.monotonic() - began, self.parts(key, began)[0]

    def parts(self, key, since=0.0):
        """Parts of answers by name, oldest first."""
        return [data[key] for at, data in self.received if at >= since and isinstance(data, dict) and key in data]

    def close(self):
        """Close the page."""
        self.socket.close()


def _objects(value):
    if isinstance(value, dict):
        if value.get("type") == "object" and "id" in value:
            yield value
        value = list(value.values())
    for one in value if isinstance(value, list) else []:
        yield from _objects(one)


def _class_of(one):
    return one.get("attributes", {}).get("class_name")
