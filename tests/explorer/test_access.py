"""The owner's token, headers, the prefix behind a proxy, and private names of the libraries."""

import asyncio
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import panel as pn
import pytest
from proxy import reverse_proxy
from tornado.httpclient import HTTPClientError
from tornado.web import create_signed_value
from visiting import PASSWORD, Visitor, closed_within, config_of, pulls, serving

from explorer.access import guards
from explorer.access.cookies import cookie_key
from explorer.access.headers import content_policy
from explorer.access.prefix import without_prefix
from explorer.access.visitors import Sessions
from explorer.panel_internals import http_server_of
from explorer.rooms.vetting.signin import bind_session
from explorer.vetting.people import Role, UserFile

ROOT = Path(__file__).parents[2]
KERNEL_LISTS_SOCKETS = Path("/proc/net/tcp").exists()
HEADERS = ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options")


def test_other_accounts_of_the_machine_need_the_token(tmp_path):
    async def look():
        async with serving(config_of(tmp_path)) as (url, guard):
            stranger, owner = Visitor(url), Visitor(url)
            for query in ("", "?token=", "?token=guess", f"?token={guard.token[:-1]}", "?star=7"):
                answer = await stranger.fetch(query)
                assert (answer.code, b"printed in its terminal" in answer.body) == (403, True), query
            answer = await owner.fetch(f"?star=7&token={guard.token}&link=a%26b")
            assert (answer.code, answer.headers["Location"]) == (302, "./?star=7&link=a%26b")
            assert guard.token not in owner.cookie_header
            token = await owner.open_page("?star=7")
            assert await pulls(await owner.connect(token))
            with pytest.raises(HTTPClientError, match="403"):
                await stranger.connect(token)
            assert (await stranger.fetch("health")).code == 200
        async with serving(config_of(tmp_path)) as (_, again):
            assert again.token == guard.token, "a page that comes back after a restart needs no other token"
        async with serving(config_of(tmp_path, "--no-token")) as (url, open_guard):
            assert open_guard.token == ""
            visitor = Visitor(url)
            assert await pulls(await visitor.connect(await visitor.open_page()))

    asyncio.run(look())


def test_the_address_that_is_handed_to_a_browser_is_good_once_and_for_this_account(tmp_path, monkeypatch, caplog):
    async def look():
        async with serving(config_of(tmp_path)) as (url, guard):
            code = guard.code()
            assert (await Visitor(url).fetch(f"?token={code}")).code == 302
            assert (await Visitor(url).fetch(f"?token={code}")).code == 403, "once"
            late = guard.code()
            clock, guard._clock = guard._clock, lambda: clock() + guards.CODE_S + 1
            assert (await Visitor(url).fetch(f"?token={late}")).code == 403, "two minutes"
            guard._clock = clock
            seen = []
            monkeypatch.setattr(guards, "account_of", lambda handler: seen.append(account(handler)) or 12345)
            assert (await Visitor(url).fetch(f"?token={guard.code()}")).code == 403, "another account"
            if KERNEL_LISTS_SOCKETS:
                assert seen == [os.getuid()]

    account = guards.account_of
    asyncio.run(look())
    assert "account 12345 of this machine" in caplog.text


def test_every_answer_has_its_headers(tmp_path):
    async def look():
        async with serving(config_of(tmp_path, "--no-token")) as (url, _):
            visitor = Visitor(url)
            for path in ("", "health", "static/js/bokeh.min.js", "nothing", "?bokeh-token=x", "favicon.ico"):
                answer = await visitor.fetch(path)
                assert [name for name in HEADERS if name not in answer.headers] == [], path
                assert "Strict-Transport-Security" not in answer.headers
        users = UserFile(tmp_path / "users.json")
        users.add("ann", Role.VIEWER, PASSWORD)
        framed = config_of(tmp_path, "--users", users.path, "--embed", "https://group.example.org")
        async with serving(framed) as (url, _):
            answer = await Visitor(url).fetch("health")
            assert "X-Frame-Options" not in answer.headers
            assert "frame-ancestors 'self' https://group.example.org" in answer.headers["Content-Security-Policy"]
            form = await Visitor(url).fetch("login")
            assert form.headers["X-Frame-Options"] == "DENY"
            assert "default-src 'none'" in form.headers["Content-Security-Policy"]

    asyncio.run(look())


def test_a_host_cannot_write_into_the_policy(tmp_path):
    async def look():
        async with serving(config_of(tmp_path, "--no-token")) as (url, _):
            answer = await Visitor(url).fetch("health", Host="a; script-src *")
            assert answer.code == 400 or "*" not in answer.headers["Content-Security-Policy"]

    asyncio.run(look())
    assert "unsafe-eval" not in content_policy("localhost:5006")


@pytest.mark.parametrize("strips", [True, False])
def test_everything_stays_below_the_prefix_of_a_proxy(tmp_path, strips):
    users = UserFile(tmp_path / "users.json")
    users.add("ann", Role.INSPECTOR, PASSWORD)
    bases = []

    def page():
        bases.append(pn.state.base_url)
        return pn.Column("A page")

    async def look():
        config = config_of(
            *(tmp_path, "--users", users.path, "--prefix", "/mgiants", "--proxied", "--origin", "stars.example.org")
        )
        async with serving(config, page) as (url, _), reverse_proxy(url, "/mgiants", strips=strips) as shown:
            visitor = Visitor(shown + "mgiants/")
            answer = await visitor.fetch("?star=7")
            assert answer.code == 302
            login = answer.headers["Location"]
            assert login.startswith("./login?next=")
            answer = await visitor.sign_in("ann", path=login, Origin="https://stars.example.org")
            assert (answer.code, answer.headers["Location"]) == (303, "./?star=7")
            token = await visitor.open_page("?star=7")
            text = (await visitor.fetch()).body.decode()
            assert 'src="/' not in text
            assert 'href="/' not in text
            assert (await visitor.fetch("static/js/bokeh.min.js")).code == 200
            assert await pulls(await visitor.connect(token, Origin="https://stars.example.org"))
            answer = await visitor.fetch("logout")
            assert (answer.code, answer.headers["Location"]) == (303, "./login")
            assert (await visitor.fetch()).code == 302
            assert {one["Path"] for one in visitor.attributes.values()} == {"/mgiants"}
            if not strips:
                answer = await visitor.fetch("/mgiants?star=7")
                assert (answer.code, answer.headers["Location"]) == (302, "/mgiants/?star=7")
            assert (await visitor.fetch("/other")).code == 404, "what is not below the prefix is another site's"

    asyncio.run(look())


@pytest.mark.parametrize(
    ("path", "seen"),
    [("/m", "/without-slash"), ("/m/", "/"), ("/m/ws", "/ws"), ("/mx", "/mx"), ("/", "/"), ("/m/m/", "/m/")],
)
def test_a_prefix_is_removed_once(path, seen):
    assert without_prefix(path, "/m") == seen


def test_the_private_names_of_the_libraries_exist(tmp_path):
    import inspect

    from bokeh.application import Application
    from panel.io.server import WSHandler
    from tornado.httputil import HTTPServerConnectionDelegate

    async def look():
        async with serving(config_of(tmp_path, "--no-token", "--prefix", "m")) as (url, _):
            server = next(
                one[0] for one in pn.state._servers.values() if one[0].port == int(url.rsplit(":", 1)[1].strip("/"))
            )
            assert isinstance(http_server_of(server).request_callback, HTTPServerConnectionDelegate)
            assert server._tornado.transforms[0].__name__ == "SecurityHeaders"

    asyncio.run(look())
    assert "current_user is None" in inspect.getsource(WSHandler.prepare), "websockets without a visitor are refused"
    assert "process_request" in inspect.getsource(WSHandler._async_open), "under panel serve each websocket is asked"
    assert {"add", "handlers"} <= set(dir(Application))


def ended(*arguments, home):
    """Exit code and words of a server that does not start."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "run_app.py"), str(home), "--no-browser", *arguments],
        env=os.environ | {"MGIANT_HOME": str(home), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_a_file_of_users_that_is_missing_ends_the_start_with_a_sentence(tmp_path):
    (tmp_path / "mine.csv").write_text("ra,dec\n1,2\n")
    code, said = ended("--users", str(tmp_path / "none.json"), home=tmp_path)
    assert code == 2
    assert "none.json is not a file of users" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "99999"], "is no TCP port"),
        (["--prefix", "a b"], "is no path"),
        (["--embed", "stars"], "is no origin"),
        (["--origin", "https://x"], "is no HOST"),
    ],
)
def test_options_that_mean_nothing_are_refused(tmp_path, arguments, said, capsys):
    with pytest.raises(SystemExit):
        config_of(tmp_path, *arguments)
    assert said in capsys.readouterr().err


def test_a_port_that_is_taken_is_a_sentence(tmp_path, monkeypatch, capsys):
    import run_app
    from explorer.logs import Repeats

    monkeypatch.setattr("signal.signal", lambda *_: None)

    async def look():
        async with serving(config_of(tmp_path, "--no-token")) as (url, _):
            port = url.rsplit(":", 1)[1].strip("/")
            config = config_of(tmp_path, "--no-token", "--address", "127.0.0.1", "--port", port)
            assert run_app.serve(config, Repeats(print)) == 2

    asyncio.run(look())
    assert "cannot be listened on" in capsys.readouterr().err


def test_what_is_printed_has_the_token_and_the_browsers_address_has_not(tmp_path, monkeypatch, capsys):
    import run_app

    opened, called = [], threading.Event()
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or called.set())

    async def look():
        async with serving(config_of(tmp_path)) as (url, guard):
            config = config_of(tmp_path)
            run_app.announce(config, guard, 5006)
            assert f"http://localhost:5006/?token={guard.token}" in capsys.readouterr().out
            await asyncio.to_thread(called.wait, 10)
            assert guard.token not in opened[0]
            assert (await Visitor(url).fetch(opened[0].rpartition("/")[2])).code == 302

    asyncio.run(look())


def test_visitors_of_an_oauth_provider_have_their_sessions_to_themselves(tmp_path, monkeypatch):
    monkeypatch.setattr(pn.config, "oauth_provider", None)
    users = UserFile(tmp_path / "users.json")
    for name in ("ann", "bob"):
        users.add(name, Role.INSPECTOR, None)
    config = config_of(tmp_path, "--users", users.path, "--oauth", "github", "--proxied")

    def known_as(url, name):
        """A browser that comes back from the provider: Panel has set its cookie."""
        visitor = Visitor(url, **{"X-Forwarded-Proto": "https"})
        visitor.cookies["user"] = create_signed_value(cookie_key(config), "user", name).decode()
        return visitor

    async def look():
        async with serving(config) as (url, guard):
            assert (await Visitor(url).fetch()).headers["Location"].startswith("./login")
            ann, bob, zed = (known_as(url, name) for name in ("ann", "bob", "zed"))
            token = await ann.open_page()
            socket = await ann.connect(token)
            with pytest.raises(HTTPClientError, match="403"):
                await bob.connect(token)
            answer = await zed.fetch()
            assert (answer.code, b"not in this server" in answer.body) == (403, True), "no round to the provider"
            copy = dict(bob.cookies)
            await bob.open_page()
            assert (await bob.fetch("logout")).code == 303
            bob.cookies = copy
            assert (await bob.fetch()).code == 302
            users.remove("ann")
            guard.sweep()
            assert await closed_within(socket, 5)
            answer = await ann.fetch("login")
            assert answer.code == 302
            assert answer.headers["Location"].startswith("https://github.com/")
            for name, attributes in ann.attributes.items():
                assert {"Secure", "HttpOnly"} <= set(attributes), name

    asyncio.run(look())


def test_under_panel_serve_each_websocket_is_asked_for_its_user(tmp_path):
    config = replace(config_of(tmp_path), hosted=True)
    sessions = Sessions()

    def page():
        bind_session(config, sessions)
        return pn.Column("A page")

    async def look():
        server = pn.serve({"/": page}, port=0, show=False, start=False, cookie_secret="a secret", verbose=False)
        server.start()
        url = f"http://localhost:{server.port}/"
        ann, bob = Visitor(url), Visitor(url)
        for name, visitor in (("ann", ann), ("bob", bob)):
            visitor.cookies["user"] = create_signed_value("a secret", "user", name).decode()
        token = await ann.open_page()
        assert await pulls(await ann.connect(token))
        assert (await bob.fetch(f"?bokeh-token={token}")).code == 403
        with pytest.raises((AssertionError, TimeoutError)):
            await bob.connect(token, wait_s=2)
        assert await pulls(await bob.connect(await bob.open_page()))
        server.stop()

    asyncio.run(look())
