"""Start of the server, its failures, and its state between pages."""

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import panel as pn
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

from explorer.app import _log_trouble
from explorer.config import DEFAULT_CONFIGURATION
from pipeline.products.manifest import MANIFEST_NAME
from run_app import KEEP_ALIVE

ROOT = Path(__file__).parents[2]
VISITS = 10
WAITING_MESSAGES = 30


def hurried(settings):
    """Pings every millisecond, by whom they are sent by the settings."""
    bokeh = settings.get("keep_alive_milliseconds", 37_000)
    return settings | {"keep_alive_milliseconds": min(1, bokeh), "websocket_ping_interval": 0.001}


async def vanish(port):
    """A page whose connection breaks while its messages wait for an answer."""
    page = await AsyncHTTPClient().fetch(f"http://localhost:{port}/")
    token = re.search(r'"token":"([^"]+)"', page.body.decode()).group(1)
    socket = await websocket_connect(HTTPRequest(f"ws://localhost:{port}/ws"), subprotocols=["bokeh", token])
    for _ in range(3):
        await socket.read_message()
    for number in range(WAITING_MESSAGES):
        await socket.write_message(json.dumps({"msgid": str(number), "msgtype": "PULL-DOC-REQ"}))
        await socket.write_message("{}")
        await socket.write_message("{}")
    socket.protocol.stream.close()


async def come_and_vanish():
    """So many visits to a server with the explorer's settings."""
    server = pn.serve({"/": lambda: pn.Column("A page")}, port=0, show=False, start=False, **hurried(KEEP_ALIVE))
    server.start()
    asyncio.get_running_loop().set_exception_handler(_log_trouble)
    try:
        for _ in range(VISITS // 2):
            await asyncio.gather(vanish(server.port), vanish(server.port))
        for _ in range(300):  # a busy machine needs seconds; a message cut off by the end of the loop is an error
            await asyncio.sleep(0.2)
            if not any("on_message" in repr(task) for task in asyncio.all_tasks()):
                break
    finally:
        server.stop()


def test_a_ping_at_the_wrong_moment_fails_no_message(caplog):
    with caplog.at_level(logging.ERROR):
        asyncio.run(come_and_vanish())
    assert [record.getMessage() for record in caplog.records] == []


def refused(arguments, home):
    """What a server that cannot open its products says before it ends."""
    ended = subprocess.run(
        [sys.executable, str(ROOT / "run_app.py"), *arguments, "--no-browser"],
        cwd=ROOT,
        env=os.environ | {"MGIANT_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_a_folder_that_is_empty_is_refused_with_a_sentence(tmp_path):
    assert "is an empty folder" in refused([str(tmp_path)], tmp_path)


def test_a_default_of_another_version_is_refused_with_its_remedy(tmp_path):
    default = tmp_path / DEFAULT_CONFIGURATION
    default.mkdir()
    (default / MANIFEST_NAME).write_text('{"format_version": 99}', "utf-8")
    said = refused([], tmp_path)
    assert f"Remove {default} to have the default built again" in said
