"""Sessions: owners, and end by password change, removal or sign-out."""

import asyncio
import json
import logging
import time

import panel as pn
import pytest
from argon2 import PasswordHasher
from tornado.httpclient import HTTPClientError
from tornado.web import create_signed_value
from visiting import PASSWORD, Visitor, closed_within, config_of, pulls, serving

from explorer.access.cookies import EndedSignIns
from explorer.audit import ACTOR
from explorer.vetting.people import Role, UserFile


@pytest.fixture
def users(tmp_path):
    file = UserFile(tmp_path / "users.json")
    file._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # a stored hash keeps its cost
    for name, role in (("ann", Role.INSPECTOR), ("bob", Role.VIEWER)):
        file.add(name, role, PASSWORD)
    return file


async def signed_in(url, name):
    person = Visitor(url)
    assert (await person.sign_in(name)).code == 303
    return person


async def refused(connecting):
    with pytest.raises(HTTPClientError) as error:
        await connecting
    return error.value.code


def test_a_page_is_its_users_alone(tmp_path, users, caplog):
    async def attack():
        async with serving(config_of(tmp_path, "--users", users.path)) as (url, guard):
            ann, bob = await signed_in(url, "ann"), await signed_in(url, "bob")
            token = await ann.open_page()
            socket = await ann.connect(token)
            for path in (f"?bokeh-token={token}", f"autoload.js?bokeh-autoload-element=x&bokeh-token={token}"):
                answer = await bob.fetch(path)
                assert (answer.code, b"names a session" in answer.body) == (403, True)
            assert (await bob.fetch("?bokeh-session-id=chosen")).code == 403
            assert (await bob.fetch("", **{"Bokeh-Session-Id": "chosen"})).code == 403
            assert await refused(bob.connect(token)) == 403
            assert await refused(Visitor(url).connect(token)) == 403
            assert await refused(ann.connect("not.a-token")) == 403
            assert await pulls(socket)
            assert await pulls(await ann.connect(token)), "the same user may come back"
            assert len(guard.sessions) == 1
            assert ann.cookies["mgiant-user-" + guard.service.cookies.suffix] not in token

    with caplog.at_level("INFO"):
        asyncio.run(attack())
    assert "a websocket to a session of another visitor" in caplog.text


@pytest.mark.parametrize("change", ["password", "removal", "removed and added again", "sign-out"])
def test_what_ends_a_sign_in_ends_its_pages_and_every_copy_of_its_cookie(tmp_path, users, change):
    async def live():
        async with serving(config_of(tmp_path, "--users", users.path)) as (url, guard):
            ann, bob = await signed_in(url, "ann"), await signed_in(url, "bob")
            copy = Visitor(url)
            copy.cookies = dict(ann.cookies)
            token = await ann.open_page()
            page, others = await ann.connect(token), await bob.connect(await bob.open_page())
            if change == "password":
                users.add("ann", Role.INSPECTOR, "another password 1", replace=True)
            elif change.startswith("remov"):
                users.remove("ann")
            if change == "removed and added again":
                users.add("ann", Role.INSPECTOR, PASSWORD)
            if change == "sign-out":
                assert (await ann.fetch("logout", **{"Sec-Fetch-Site": "cross-site"})).code == 403
                assert (await ann.fetch("logout")).code == 303
            else:
                guard.sweep()
            assert await closed_within(page, 5)
            for who in (ann, copy):
                answer = await who.fetch()
                assert answer.code == 302, "a page shows the sign-in"
                assert answer.headers["Location"].startswith("./login")
                assert await refused(who.connect(token)) == 403
            assert await pulls(others)
            if change != "removal":
                again = Visitor(url)
                await again.sign_in("ann", "another password 1" if change == "password" else PASSWORD)
                assert await refused(again.connect(token)) == 403, "nobody joins a session that was ended"
                assert await again.open_page()

    asyncio.run(live())


def test_a_role_changes_in_a_living_page_without_ending_it(tmp_path, users):
    async def live():
        async with serving(config_of(tmp_path, "--users", users.path)) as (url, guard):
            ann = await signed_in(url, "ann")
            page = await ann.connect(await ann.open_page())
            text = users.path.read_text()
            users.path.write_text(text.replace('"inspector"', '"viewer"'))
            guard.sweep()
            assert await pulls(page)

    asyncio.run(live())


def test_forged_old_and_foreign_cookies_open_nothing(tmp_path, users):
    async def attack():
        async with serving(config_of(tmp_path, "--users", users.path)) as (url, guard):
            ann = await signed_in(url, "ann")
            name = guard.service.user_cookie
            key = ann.cookies[name]
            good = {"user": "ann", "sign_in": "0" * 32, "stamp": users.stamp_of("ann"), "until": time.time() + 99}
            from explorer.access.cookies import cookie_key

            secret = cookie_key(config_of(tmp_path, "--users", users.path))

            def signed(value, secret=secret, clock=time.time):
                return create_signed_value(secret, name, json.dumps(value), clock=clock).decode()

            forgeries = {
                "none": "",
                "unsigned": json.dumps(good),
                "another key": signed(good, "another"),
                "changed": key[:-1] + ("0" if key[-1] != "0" else "1"),
                "two days old": signed(good, clock=lambda: time.time() - 172_800),
                "expired": signed(good | {"until": time.time() - 1}),
                "another password": signed(good | {"stamp": "0" * 32}),
                "nobody": signed(good | {"user": "zed", "stamp": ""}),
                "no fields": signed({"user": "ann"}),
                "no stamp": signed(good | {"stamp": None}),
                "not a mapping": signed([1]),
                "Panel's": create_signed_value(secret, "user", "ann").decode(),
            }
            for kind, value in forgeries.items():
                forger = Visitor(url)
                forger.cookies = {name: value, "user": value}
                assert (await forger.fetch()).code == 302, kind
            forger.cookies = {name: signed(good)}
            assert (await forger.fetch()).code == 200, "the forgeries fail for their reasons alone"

    asyncio.run(attack())


def test_ended_sign_ins_outlive_the_server_and_are_forgotten_when_their_cookies_expire(tmp_path):
    file = tmp_path / "ended"
    EndedSignIns(file).add("one", time.time() + 100)
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text(f"{file.read_text()}old {time.time() - 5:.0f}\ngarbage\n")
    again = EndedSignIns(file)
    assert ("one" in again, "old" in again) == (True, False)
    assert file.read_text().count("\n") == 1
    unwritable = EndedSignIns(tmp_path / "no" / "folder")
    unwritable.add("one", time.time() + 100)
    assert "one" in unwritable


def test_a_browser_without_a_name_has_its_sessions_to_itself(tmp_path):
    async def live():
        async with serving(config_of(tmp_path, "--proxied")) as (url, guard):
            one, other = Visitor(url), Visitor(url)
            token = await one.open_page()
            await other.open_page()
            assert await pulls(await one.connect(token))
            assert await refused(other.connect(token)) == 403
            assert await refused(Visitor(url).connect(token)) == 403
            assert len(guard.sessions) == 2

    asyncio.run(live())


def test_what_a_page_sends_is_logged_under_its_name(tmp_path, users):
    seen = []

    class Look(logging.Handler):
        def emit(self, record):
            seen.append((record.getMessage()[:20], ACTOR.get()))

    async def live():
        async with serving(config_of(tmp_path, "--users", users.path)) as (url, _):
            ann, bob = await signed_in(url, "ann"), await signed_in(url, "bob")
            for person in (ann, bob):
                socket = await person.connect(await person.open_page())
                for part in ({"msgid": "1", "msgtype": "PATCH-DOC"}, {}, {"events": [{"kind": "nonsense"}]}):
                    await socket.write_message(json.dumps(part))
                await socket.read_message()

    look = Look()
    logging.getLogger("bokeh").addHandler(look)
    try:
        asyncio.run(live())
    finally:
        logging.getLogger("bokeh").removeHandler(look)
    actors = [actor for text, actor in seen if text.startswith("error handling")]
    assert [actor.name for actor in actors] == ["ann", "bob"]
    assert all(len(actor.session) == 6 for actor in actors)
    assert pn.state.curdoc is None, "a message that fails does not leave its document current"


def test_a_session_is_forgotten_when_it_is_destroyed(tmp_path):
    async def live():
        async with serving(config_of(tmp_path, "--no-token")) as (url, guard):
            visitor = Visitor(url)
            for _ in range(3):
                (await visitor.connect(await visitor.open_page())).close()
            assert len(guard.sessions) == 3
            from panel.io.state import state

            (server, *_), *_ = [one for one in state._servers.values() if str(one[0].port) in url]
            for session in server.get_sessions("/"):
                session.request_expiration()
            await asyncio.sleep(0.1)
            await server._tornado._cleanup_sessions()
            assert len(guard.sessions) == 0

    asyncio.run(live())
