"""Limits of messages and uploads: sizes, values, rate, parts."""

import asyncio
import base64
import json
import logging

import numpy as np
import pytest
from bokeh.protocol import Protocol
from bokeh.protocol.receiver import Receiver
from bokeh.server.views.ws import WSHandler

from explorer.model.selection import SelectionError
from explorer.protocol import Look, Upload, ViewSize
from explorer.rooms.intake import (
    BURST_S,
    MAX_DEPTH,
    MAX_MESSAGE_BYTES,
    MAX_MESSAGES_A_SECOND,
    MAX_VALUES,
    SHARE,
    Meter,
    guard,
    too_much,
)
from explorer.rooms.stage import MAX_HEIGHT, MAX_WIDTH
from explorer.rooms.uploads import KEPT_S, PART_BYTES, Uploads

INFINITE = float("inf")
BOX = {"type": "rect", "x0": 0.0, "x1": 5000.0, "y0": 0.0, "y1": 1.0}


def test_what_pages_send_is_read():
    outline = {"x": [3600.123456] * 10_000, "y": [0.123456] * 10_000}
    for message in (outline, {"text": "a" * 4000}, {"data": base64.b64encode(bytes(PART_BYTES)).decode()}):
        assert too_much(json.dumps(message)) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a" * (MAX_MESSAGE_BYTES + 1), "bytes"),
        (b"a" * (MAX_MESSAGE_BYTES + 1), "bytes"),
        (json.dumps([1] * (MAX_VALUES + 1)), "values"),
        (json.dumps([[]] * (MAX_VALUES // 2 + 9)), "values"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested"),
        ('{"a":' * 40_000, "nested"),
    ],
)
def test_what_no_page_sends_is_refused_before_it_is_decoded(text, why):
    assert why in too_much(text)


def test_the_scripts_cut_files_as_the_server_reads_them():
    assert 4 * 2 * PART_BYTES / 3 < MAX_MESSAGE_BYTES  # the largest file that comes in one message


def test_a_page_has_its_share_and_a_burst():
    meter, now, waited = Meter(0.0), 0.0, 0.0
    for _ in range(3 * 1000):
        waited = meter.used(0.0, now)
        now += 1.0 / 1500  # 500 messages a second
        now += waited
    assert now == pytest.approx(1000 / MAX_MESSAGES_A_SECOND, rel=0.3)
    meter = Meter(0.0)
    assert meter.used(BURST_S, 0.01) == meter.used(10.0, 0.02) == 0.0  # nobody waits for it
    meter = Meter(0.0, [Meter(0.0)])
    assert meter.used(BURST_S, 0.01) == 0.0
    assert meter.used(BURST_S, 0.02) == pytest.approx(BURST_S / SHARE, rel=0.1)
    assert meter.used(0.01, 10.0) == 0.0


def test_a_connection_that_sends_too_much_is_closed_with_one_line(monkeypatch, caplog):
    decoded, closed = [], []

    async def decode(_, fragment):
        decoded.append(fragment)

    monkeypatch.setattr(WSHandler, "on_message", decode)
    guard()
    guard()
    handler = WSHandler.__new__(WSHandler)
    handler.receiver = Receiver(Protocol())
    monkeypatch.setattr(WSHandler, "close", lambda _, *reason: closed.append(reason))
    with caplog.at_level(logging.WARNING):
        asyncio.run(handler.on_message("{}"))
        asyncio.run(handler.on_message("[" * 1000))
    assert decoded == ["{}"]
    assert len(closed) == len(caplog.records) == 1
    assert caplog.records[0].exc_info is None


@pytest.mark.parametrize("size", [500_000, 0])
def test_a_message_with_any_number_of_arrays_is_bounded_and_the_next_one_counts_anew(monkeypatch, caplog, size):
    closed = []

    async def decode(self, fragment):
        await self.receiver.consume(fragment)

    monkeypatch.setattr(WSHandler, "on_message", decode)
    guard()
    monkeypatch.setattr(WSHandler, "close", lambda _, *reason: closed.append(reason))
    handler = WSHandler.__new__(WSHandler)
    handler.receiver = Receiver(Protocol())

    async def send(arrays):
        header = {"msgid": "a", "msgtype": "PATCH-DOC", "num_buffers": arrays}
        for fragment in (json.dumps(header), "{}", '{"events": []}', *['{"id": "b"}', bytes(size)] * arrays):
            if closed:
                return
            await handler.on_message(fragment)

    with caplog.at_level(logging.WARNING):
        for _ in range(20):
            asyncio.run(send(3))
        assert closed == []
        asyncio.run(send(10**4))
    assert len(closed) == len(caplog.records) == 1
    assert "in parts" in caplog.text


def test_an_answer_to_a_message_that_fails_names_no_folder_of_this_machine():
    guard()
    try:
        int("wrong")
    except ValueError:
        answer = Protocol().create("ERROR", "c1", "refused")
    assert answer.content == {"text": "refused", "traceback": None}
    assert answer.header["reqid"] == "c1"


def test_the_private_name_that_is_extended_still_exists():
    assert asyncio.iscoroutinefunction(WSHandler.on_message)
    receiver = Receiver(Protocol())
    assert receiver._current_consumer == receiver._HEADER


def fields_of(request):
    return {name: getattr(request, name) for name in request.__struct_fields__}


def part(name, number, data):
    return Upload(name, number, base64.b64encode(data).decode())


def test_a_file_comes_in_parts(table, page):
    page.open()
    data = b"obsid\n" + b"".join(b"%d\n" % obsid for obsid in table["obsid"][:7])
    half = len(data) // 2
    page.send("upload", **fields_of(part("a", 0, data[:half])))
    page.send("upload", **fields_of(part("a", 1, data[half:])))
    assert "7 of 7" in page.ask("members", upload="a", size=len(data))["side"]["report"]
    assert page.workspace.n_selected == 7
    assert "not received completely" in page.ask("members", upload="a", size=len(data))["side"]["report"]


def test_parts_are_bounded_and_in_order(monkeypatch):
    uploads = Uploads(10)
    uploads.part(part("a", 0, b"123456"))
    with pytest.raises(SelectionError, match="more than 10 bytes"):
        uploads.part(part("a", 1, b"123456"))
    assert uploads.held == 0
    uploads.part(part("a", 0, b"12"))
    uploads.part(part("a", 2, b"56"))
    with pytest.raises(SelectionError, match="not received completely"):
        uploads.whole("a", 6)
    monkeypatch.setattr("explorer.rooms.uploads.MAX_HELD_BYTES", 8)
    other = Uploads(10)
    other.part(part("b", 0, b"12345"))
    with pytest.raises(SelectionError, match="many other files"):
        uploads.part(part("a", 0, b"1234"))
    with pytest.raises(ValueError, match="not valid base64"):
        uploads.part(Upload("a", 0, "%%%"))


def test_an_incomplete_upload_does_not_block_others(monkeypatch):
    monkeypatch.setattr("explorer.rooms.uploads.MAX_HELD_BYTES", 8)
    now = [0.0]
    idle, other = Uploads(10, lambda: now[0]), Uploads(10, lambda: now[0])
    idle.part(part("a", 0, b"1234"))
    now[0] += KEPT_S
    idle.part(part("a", 1, b"567"))
    now[0] += KEPT_S
    with pytest.raises(SelectionError, match="in a minute"):
        other.part(part("b", 0, b"12"))
    now[0] += 1.0
    other.part(part("b", 0, b"12"))
    assert (idle.held, other.held) == (0, 2)
    with pytest.raises(SelectionError, match="not received completely"):
        idle.whole("a", 7)


def test_views_are_drawn_for_one_screen(page):
    page.send("connect", seen=True)
    page.look(range(6), 10**9, 10**9)
    sizes = [(panel.viewport.width, panel.viewport.height) for panel in page.room.stage.charts]
    assert sum(width * height for width, height in sizes) <= MAX_WIDTH * MAX_HEIGHT
    page.look(range(6), 500, 400)
    assert {(panel.viewport.width, panel.viewport.height) for panel in page.room.stage.charts} == {(500, 400)}


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "look", "views": [{"slot": 0, "window": [0, 1, 0, 1], "width": INFINITE, "height": 1}]},
        {"kind": "look", "views": [{"slot": INFINITE, "window": [0, 1, 0, 1], "width": 1, "height": 1}]},
        {"kind": "look", "views": [{"slot": 0, "window": [0, np.nan, 0, 1], "width": 1, "height": 1}]},
        {"kind": "look", "views": [{"slot": 0, "window": [0, 1], "width": 1, "height": 1}]},
        {"kind": "grid", "value": INFINITE},
        {"kind": "focus", "obsid": -INFINITE},
        {"kind": "star_step", "by": INFINITE},
        {"kind": "tap", "slot": INFINITE, "x": 0, "y": 0, "keys": []},
        {"kind": "members", "size": INFINITE, "data": ""},
        {
            "kind": "region",
            "slot": 0,
            "geometry": {"type": "rect", "x0": INFINITE, "x1": 0, "y0": 0, "y1": 1},
            "keys": [],
        },
    ],
)
def test_numbers_without_an_end_cost_one_line(page, message, caplog):
    page.open()
    with caplog.at_level(logging.WARNING):
        page.ask(**message)
    assert len(caplog.records) <= 1
    assert not any(record.exc_info for record in caplog.records)
    assert page.workspace.n_selected in (0, 400)


def test_looks_that_come_too_soon_are_drawn_together(page, monkeypatch):
    page.open()
    stage, later = page.room.stage, []

    class Document:
        session_context = object()

        def add_timeout_callback(self, action, wait):
            later.append((action, wait))

    monkeypatch.setattr("explorer.rooms.stage.pn.state", type("State", (), {"curdoc": Document()})())
    monkeypatch.setattr(stage, "_next_look", 1e12)

    def drawn():
        return sum("layers" in one for one in page.sent)

    before = drawn()
    for number in range(20):
        stage._looked(Look((ViewSize(0, (0.0, number + 1.0, 0.0, 1.0), 100, 100),)))
    assert drawn() == before
    later = [action for action, _ in later if action == stage._look_again]
    assert len(later) == 1
    monkeypatch.setattr(stage, "_next_look", 0.0)
    later[0]()
    assert drawn() == before + 1
    assert stage.charts[0].viewport.x_high == 20
