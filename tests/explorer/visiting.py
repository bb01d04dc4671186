"""A visitor without a browser, with HTTP, cookies and Bokeh's wire protocol."""

import asyncio
import json
import re
from contextlib import asynccontextmanager
from urllib.parse import urlencode, urljoin

import panel as pn
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

from explorer.access.visitors import Sessions
from explorer.config import AppConfig
from explorer.rooms.vetting.signin import bind_session, guard_of
from run_app import server_of

PASSWORD = "correct horse battery"
AsyncHTTPClient.configure(None, max_clients=1000)


@asynccontextmanager
async def serving(config, page=None):
    """A started server of this process and its guard; each page is a line of text, or what ``page`` makes."""
    sessions = Sessions()
    guard = guard_of(config, sessions)

    def make():
        bind_session(config, sessions)
        return page() if page else pn.Column("A page")

    server = server_of(config, guard, make)
    server.start()
    try:
        yield f"http://localhost:{server.port}/", guard
    finally:
        server.stop()


def config_of(tmp_path, *arguments):
    """Settings of a server on a free port, at home in a folder of the test."""
    return AppConfig.from_arguments(
        [str(tmp_path), "--port", "0", *map(str, arguments)], {"MGIANT_HOME": str(tmp_path / "home")}
    )


class Visitor:
    """One browser, more or less."""

    def __init__(self, url, **headers):
        self.url, self.headers, self.cookies, self.attributes = url, headers, {}, {}

    async def fetch(self, path="", *, form=None, **headers):
        """An answer, whatever its status; its cookies are kept."""
        sent = {"Cookie": self.cookie_header, **self.headers, **headers}
        request = HTTPRequest(
            urljoin(self.url, path),
            method="GET" if form is None else "POST",
            body=None if form is None else urlencode(form),
            headers={name: value for name, value in sent.items() if value},
            follow_redirects=False,
            request_timeout=300,
            connect_timeout=300,
        )
        answer = await AsyncHTTPClient().fetch(request, raise_error=False)
        for line in answer.headers.get_list("Set-Cookie"):
            (name, value), *attributes = [part.strip().partition("=")[::2] for part in line.split(";")]
            self.attributes[name] = dict(attributes)
            self.cookies[name] = value
            if not value.strip('"'):
                del self.cookies[name]
        return answer

    @property
    def cookie_header(self):
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    async def sign_in(self, name, password=PASSWORD, path="login", *, form_token=None, **headers):
        """Send the sign-in form as the page has it."""
        shown = (await self.fetch(path)).body.decode()
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', shown))
        hidden["_xsrf"] = hidden["_xsrf"] if form_token is None else form_token
        return await self.fetch(path, form=hidden | {"username": name, "password": password}, **headers)

    async def open_page(self, query=""):
        """The token of a new page's session."""
        answer = await self.fetch(query)
        assert answer.code == 200, (answer.code, answer.headers.get("Location"), answer.body[-300:])
        return re.search(r'"token":"([^"]+)"', answer.body.decode()).group(1)

    async def connect(self, token, *, wait_s=20, **headers):
        """The websocket of a page, after the server's first message; None once the server has closed it."""
        origin = self.url.partition("//")[2].partition("/")[0]
        sent = {"Cookie": self.cookie_header, "Origin": f"http://{origin}", **self.headers, **headers}
        request = HTTPRequest(urljoin(self.url, "ws").replace("http", "ws", 1), headers=sent)
        socket = await websocket_connect(request, subprotocols=["bokeh", token])
        first = await asyncio.wait_for(socket.read_message(), wait_s)
        assert first is not None, "the server closed the websocket"
        assert json.loads(first)["msgtype"] == "ACK"
        for _ in range(2):
            await socket.read_message()
        return socket


async def closed_within(socket, seconds):
    """Whether the server closes a websocket in time."""
    try:
        while await asyncio.wait_for(socket.read_message(), seconds) is not None:
            pass
    except TimeoutError:
        return False
    return True


async def pulls(socket):
    """Whether a session still answers a page."""
    for part in ({"msgid": "1", "msgtype": "PULL-DOC-REQ"}, {}, {}):
        await socket.write_message(json.dumps(part))
    answer = await asyncio.wait_for(socket.read_message(), 10)
    return answer is not None and json.loads(answer)["msgtype"] == "PULL-DOC-REPLY"
