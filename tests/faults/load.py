"""Visitors who request too much, and the effect on a normal visitor."""

import asyncio
import base64
import json
import re
import tempfile
import time
from pathlib import Path

import numpy as np
from driver import Server
from star_factory import make_star_products
from tornado.websocket import WebSocketClosedError

from tests.faults._wire import BOX, BRUSH, Client

N_STARS = 3_000
RATE = 500
"""Messages of a flood a second."""

SLOW_S = 0.2
"""A gesture is disturbed when 95 of 100 take longer than this, or than four times what they take alone."""

SLOW_REFIT_S = 1.0
REFIT = {"kind": "refit", "fixed": {}, "fit_rv": False, "masked": []}
INFINITE = float("inf")


def main(*, quick):
    """A server and its visitors."""
    with tempfile.TemporaryDirectory() as folder:
        products = make_star_products(Path(folder) / "invented", N_STARS)
        server = Server(str(products), environment={"MGIANT_HOME": folder})
        try:
            with asyncio.Runner() as runner:
                faults = everything(server, quick=quick)
                while (found := runner.run(anext(faults, None))) is not None:
                    yield found
        finally:
            server.stop()


async def everything(server, *, quick):
    """Each kind of fault in turn."""
    visitor = await Client(server.url).open()
    await visitor.send({"kind": "painted"})
    await visitor.send({"kind": "star_step", "by": 1})
    await visitor.ask(REFIT, "refit")
    alone = float(np.quantile(await brush(visitor, 40), 0.95))
    for name, (message, count) in exports().items():
        yield await ask_for_much(server, visitor, name, [message] * count, alone)
    for name, message in floods().items():
        yield await flood(server, visitor, name, message, alone, seconds=1 if quick else 4)
    yield await bomb(server, visitor, alone, levels=10 if quick else 25)
    for name, text in giants().items():
        yield await giant(server, visitor, name, text, alone)
    yield await malformed(server, visitor, 40 if quick else 500)
    yield await many(server, visitor, 20 if quick else 100)
    visitor.close()


async def brush(visitor, count, pause=0.03):
    """Seconds of each of so many gestures."""
    times = []
    for number in range(count):
        gesture = {**BRUSH, "geometry": {**BOX, "x0": 3500.0 + number}}
        times.append(await visitor.send(gesture, limit_s=300.0))
        await asyncio.sleep(pause)
    return np.array(times)


def judged(name, alone, times, **measured):
    """What is reported: whether the visitor noticed."""
    p95 = float(np.quantile(times, 0.95))
    slow = p95 > max(SLOW_S, 4 * alone) or measured.get("refit_s", 0.0) > SLOW_REFIT_S
    found = {"fault": name, "tried": 1, "survived": int(not slow), "gestures": len(times)}
    return found | {
        "p95_s": round(p95, 3),
        "alone_p95_s": round(alone, 3),
        "worst_s": round(float(times.max()), 3),
        **measured,
    }


def exports():
    """Slow work: a message and how often."""
    return {
        "VOTables": ({"kind": "export", "value": "votable"}, 10),
        "CSV tables": ({"kind": "export", "value": "csv"}, 20),
        "paper figures": ({"kind": "paper", "key": "9", "form": "pdf"}, 8),
        "pictures of a view": ({"kind": "picture", "slot": 0, "form": "pdf"}, 15),
        "refits": ({**REFIT, "fit_rv": True}, 30),
        "member lists of 150,000 columns": (members(b"obsid," + b"a," * 150_000 + b"z\n1\n"), 2),
        "links": ({"kind": "share"}, 300),
    }


def members(data):
    """A member list in one message."""
    return {"kind": "members", "size": len(data), "data": base64.b64encode(data).decode()}


async def ask_for_much(server, visitor, name, messages, alone):
    """One page asks for much slow work, and another brushes and fits."""
    hostile = await Client(server.url).open()
    await hostile.send({"kind": "painted"})
    await hostile.send({"kind": "star_step", "by": 1})
    for message in messages:
        await hostile.send(message, wait=False)
    await asyncio.sleep(0.2)
    refit = asyncio.ensure_future(visitor.ask(REFIT, "refit", 300.0))
    times = await brush(visitor, 40)
    took, _ = await refit
    hostile.close()
    return judged(f"{len(messages)} {name}", alone, times, refit_s=round(took, 3))


def floods():
    """What comes many times a second: a message, or what makes one of a number."""
    return {
        "unknown messages": lambda _: {"kind": "nope"},
        "broken looks": lambda _: {"kind": "look", "views": [{}]},
        "infinite looks": lambda _: {"kind": "look", "views": [{"slot": 0, "window": [0, 1, 0, INFINITE]}]},
        "gestures": lambda number: {**BRUSH, "geometry": {**BOX, "x1": 4000.0 + number}},
        "growing gestures": lambda number: {**BRUSH, "geometry": {**BOX, "x0": 3000.0 + number}, "keys": ["shift"]},
        "giant looks": lambda number: {
            "kind": "look",
            "views": [
                {"slot": slot, "window": [-20 - number, 20, -20, 20], "width": 10**9, "height": 10**9}
                for slot in range(6)
            ],
        },
        "expressions": lambda _: {"kind": "check", "text": "+".join(["sin(teff)"] * 390) + " > 0", "cursor": 1},
    }


async def flood(server, visitor, name, message, alone, seconds):
    """One page sends so many messages a second, and another brushes."""
    hostile = await Client(server.url).open()

    async def send():
        began, sent = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            await hostile.send(message(sent), wait=False)
            sent += 1
            await asyncio.sleep(max(0.0, sent / RATE - (time.monotonic() - began)))
        return sent

    sending = asyncio.ensure_future(send())
    await asyncio.sleep(0.3)
    times = await brush(visitor, 40)
    sent = await sending
    hostile.close()
    return judged(f"flood of {name}", alone, times, messages=sent)


async def bomb(server, visitor, alone, levels):
    """Subsets that are each made of the one before, twice."""
    hostile = await Client(server.url).open()
    await hostile.send({"kind": "filter", "text": "teff > 0"})
    await hostile.send({"kind": "save_subset", "name": "s0"})
    times = []
    for level in range(1, levels + 1):
        text = f"s{level - 1} & (s{level - 1} | logg > {level / 10})"
        await hostile.send({"kind": "filter", "text": text}, wait=False)
        await hostile.send({"kind": "save_subset", "name": f"s{level}"}, wait=False)
        times += list(await brush(visitor, 4))
    refused = sum("at most" in said for said in hostile.parts("message"))
    hostile.close()
    return judged(f"subsets of subsets, {levels} levels", alone, np.array(times), refused=refused)


def giants():
    """Contents of giant messages."""
    return {
        "75 MB of text": json.dumps({"events": ["a" * 75_000_000]}),
        "15 million numbers": json.dumps({"events": [1] * 15_000_000}, separators=(",", ":")),
        "25 million lists": '{"events":[' + "[]," * 25_000_000 + "[]]}",
        "600,000 lists in 2 MB": '{"events":[' + "[]," * 600_000 + "[]]}",
        "nested 100,000 deep": '{"events":' + "[" * 100_000 + "]" * 100_000 + "}",
    }


async def giant(server, visitor, name, text, alone):
    """One message that no page sends."""
    hostile = await Client(server.url).open()
    try:
        await hostile.raw("PATCH-DOC", text)
    except WebSocketClosedError:
        closed = True
    else:
        closed = False
    times = await brush(visitor, 20)
    closed = closed or hostile.reading.done()
    return judged(f"a message of {name}", alone, times, refused=int(closed))


async def malformed(server, visitor, count):
    """Messages of every kind with values of every type, after which the next gesture is right."""
    hostile, before = await Client(server.url).open(), len(server.lines)
    kinds = [
        "look",
        "region",
        "tap",
        "swap",
        "axis",
        "switch",
        "part",
        "enlarge",
        "grid",
        "mode",
        "tool",
        "undo",
        "filter",
        "check",
        "save_subset",
        "subset",
        "members",
        "view",
    ]
    values = [None, -1, 10**30, INFINITE, "x" * 200, [], {}, [[]], {"kind": {}}, True]
    names = [
        "slot",
        "views",
        "geometry",
        "keys",
        "x",
        "y",
        "value",
        "text",
        "name",
        "action",
        "cursor",
        "size",
        "data",
        "column",
    ]
    rng = np.random.default_rng(1)
    for _ in range(count):
        given = {name: values[rng.integers(len(values))] for name in rng.choice(names, 5)}
        await hostile.send({"kind": str(rng.choice(kinds)), **given})
    await hostile.send({"kind": "clear"})
    seconds = await hostile.send(BRUSH)
    times = await brush(visitor, 5)
    tracebacks = sum("Traceback" in line for line in server.lines[before:])
    right = bool(re.fullmatch(r"[\d,]+", str(hostile.parts("toolbar")[-1]["count"][0]))) and not hostile.reading.done()
    hostile.close()
    found = {"fault": "malformed messages", "tried": count, "survived": count if right and not tracebacks else 0}
    return found | {
        "tracebacks": tracebacks,
        "next_gesture_s": round(seconds, 3),
        "p95_s": round(float(times.max()), 3),
    }


async def many(server, visitor, count):
    """So many pages at once, which all brush."""
    began = time.monotonic()
    pages = await asyncio.gather(*(Client(server.url).open() for _ in range(count)), return_exceptions=True)
    opened = [page for page in pages if isinstance(page, Client)]
    took = time.monotonic() - began
    times = np.array(await asyncio.gather(*(page.send(BRUSH) for page in opened)))
    after = await brush(visitor, 20)
    for page in opened:
        page.close()
    found = {"fault": "pages at once", "tried": count, "survived": len(opened), "opened_s": round(took, 1)}
    return found | {
        "all_brush_worst_s": round(float(times.max()), 2),
        "p95_s": round(float(np.quantile(after, 0.95)), 3),
    }
