"""A visitor without a browser who sends the messages of a page and measures the answer times."""

import asyncio
import json
import time

from visiting import Visitor

REGION = {"type": "rect", "x0": 3000, "x1": 4000, "y0": -1, "y1": 5}


def encoded(value):
    """A value as Bokeh's protocol has it."""
    if isinstance(value, dict):
        return {"type": "map", "entries": [[encoded(key), encoded(one)] for key, one in value.items()]}
    return [encoded(one) for one in value] if isinstance(value, list) else value


class Brusher(Visitor):
    """One page of the explorer that draws regions."""

    async def begin(self, query=""):
        """Open a page and its first views."""
        self.token = await self.open_page(query)
        self.socket = await self.connect(self.token)
        self.number, self.replies = 0, {}
        self.reader = asyncio.create_task(self._read())
        content = await self.request("PULL-DOC-REQ", {})
        self.channel = next(one for one in objects_of(content) if one["attributes"].get("class_name") == "Channel")[
            "id"
        ]
        await self.say({"kind": "connect", "seen": True})
        views = [{"slot": slot, "window": [-20, 20, -20, 20], "width": 500, "height": 350} for slot in range(6)]
        await self.say({"kind": "look", "views": views})
        return self

    async def _read(self):
        while (header := await self.socket.read_message()) is not None:
            _, content = await self.socket.read_message(), await self.socket.read_message()
            header = json.loads(header)
            for _ in range(2 * header.get("num_buffers", 0)):
                await self.socket.read_message()
            waiting = self.replies.pop(header.get("reqid"), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(json.loads(content))

    async def request(self, kind, content, *, wait=True):
        """The answer to a message; None without waiting for it."""
        self.number += 1
        name = f"m{self.number}"
        reply = self.replies[name] = asyncio.get_running_loop().create_future()
        for part in ({"msgid": name, "msgtype": kind}, {}, content):
            await self.socket.write_message(json.dumps(part))
        return await asyncio.wait_for(reply, 120) if wait else None

    async def say(self, message, *, wait=True):
        """Send a message of the page."""
        values = {"type": "map", "entries": [["model", {"id": self.channel}], ["data", encoded(message)]]}
        event = {"type": "event", "name": "data_event", "values": values}
        patch = {"events": [{"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event}]}
        return await self.request("PATCH-DOC", patch, wait=wait)

    async def gestures(self, count, pause_s=0.05):
        """Seconds that each of so many brushes takes."""
        taken = []
        for number in range(count):
            begun = time.monotonic()
            await self.say({"kind": "region", "slot": 0, "geometry": REGION | {"x0": 3000 + number}, "keys": []})
            taken.append(time.monotonic() - begun)
            await asyncio.sleep(pause_s)
        return taken

    def leave(self):
        """Close the page."""
        self.reader.cancel()
        self.socket.close()


def objects_of(content):
    """Every model of a document."""
    if isinstance(content, dict):
        if content.get("type") == "object" and "attributes" in content:
            yield content
        content = list(content.values())
    if isinstance(content, list):
        for one in content:
            yield from objects_of(one)
