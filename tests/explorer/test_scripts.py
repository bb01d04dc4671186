"""Scripts served by address: cached, never outdated, compressed; pages are not compressed."""

import asyncio
import gzip
import subprocess
import sys

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from explorer.access.compression import CompressedAssets
from explorer.rooms import scripts
from explorer.rooms.channel import Channel
from explorer.rooms.columns import ColumnsChannel
from explorer.rooms.vetting.room import VettingChannel

CHANNELS = (Channel, ColumnsChannel, VettingChannel)


class Page(RequestHandler):
    """A page with a visitor's token in it."""

    def get(self):
        self.write("<p>token</p>" * 1000)


def answers(*asked):
    """Answers to (path, headers), undecoded."""

    async def ask():
        application = Application([*scripts.SCRIPT_ROUTES, ("/", Page)])
        application.transforms.append(CompressedAssets)
        socket, port = bind_unused_port()
        server = HTTPServer(application)
        server.add_sockets([socket])
        client = AsyncHTTPClient(force_instance=True)
        found = [
            await client.fetch(
                HTTPRequest(f"http://127.0.0.1:{port}{path}", headers=headers, decompress_response=False),
                raise_error=False,
            )
            for path, headers in asked
        ]
        server.stop()
        return found

    return asyncio.run(ask())


@pytest.fixture
def by_address(monkeypatch):
    monkeypatch.setattr(scripts, "_by_address", True)


@pytest.mark.usefixtures("by_address")
@pytest.mark.parametrize("channel", CHANNELS)
def test_the_page_gets_one_module_by_address(channel):
    properties = channel()._get_properties(None)
    assert properties["bundle"] == "url"
    address = properties["esm"].removeprefix(".")
    whole, known = answers((address, {}), (address, {"If-None-Match": "*"}))
    assert whole.body.decode() == channel._esm
    assert "text/javascript" in whole.headers["Content-Type"]
    assert "immutable" in whole.headers["Cache-Control"]
    assert known.code == 304
    assert not known.body


def test_a_changed_script_has_another_address():
    assert scripts.hash_of("let a = 1") != scripts.hash_of("let a = 2")
    assert len({scripts.hash_of(channel._esm) for channel in CHANNELS}) == len(CHANNELS)
    assert answers(("/scripts/" + "0" * 32 + ".js", {}))[0].code == 404


def test_without_the_route_the_script_travels_in_the_document(monkeypatch):
    monkeypatch.setattr(scripts, "_by_address", False)
    properties = Channel()._get_properties(None)
    assert properties["bundle"] == scripts.hash_of(Channel._esm)
    assert properties["esm"] == Channel._esm


def test_the_plugin_of_panels_server_brings_the_route():
    code = (
        "from explorer.rooms import script_routes as plugin, scripts; from explorer.rooms.channel import Channel; "
        "assert plugin.ROUTES == scripts.SCRIPT_ROUTES; print(Channel()._get_properties(None)['bundle'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["url"]


def test_only_assets_are_compressed():
    address, gzipped = f"/scripts/{scripts.hash_of(Channel._esm)}.js", {"Accept-Encoding": "gzip"}
    packed, plain, page = answers((address, gzipped), (address, {}), ("/", gzipped))
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body == Channel._esm.encode()
    assert 2 * len(packed.body) < len(plain.body)
    assert "Content-Encoding" not in page.headers
