"""Visitors who come and go, do not read, guess passwords, or claim another's session."""

import asyncio
import json
import logging
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from brusher import Brusher
from driver import ROOT, Server
from products_factory import make_products
from tornado.httpclient import HTTPClientError
from tornado.web import create_signed_value
from visiting import PASSWORD, Visitor, config_of, serving

from explorer.access.cookies import cookie_key
from explorer.vetting.people import Role, UserFile

FORGOTTEN_S = 60
"""Longer than the server keeps the session of a page that was closed, and what it left."""
MAX_SLOWER = 0.15
"""Seconds by which a brusher's 95th percentile may grow beside a fault."""
NAMES = ("ann", "bob", "eve")


def main(*, quick):
    """Yield what was measured of each kind of fault."""
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        products = make_products(home / "products", 3000)
        users = UserFile(home / "users.json")
        for name, role in zip(NAMES, (Role.INSPECTOR, Role.VIEWER, Role.ADJUDICATOR), strict=True):
            users.add(name, role, PASSWORD)
        yield asyncio.run(thefts(home, users, rounds=2 if quick else 20))
        yield asyncio.run(forgeries(home, users))
        server = Server(
            str(products), "--users", str(users.path), "--proxied", environment={"MGIANT_HOME": str(home / "home")}
        )
        try:
            yield asyncio.run(come_and_go(server, 15 if quick else 100))
            yield asyncio.run(slow_readers(server, 2 if quick else 10, 200 if quick else 1000))
            yield asyncio.run(flood(server, 50, one_address=True))
            yield asyncio.run(flood(server, 50, one_address=False))
        finally:
            server.stop()
        yield stopped_and_asked(home, products, users)


def memory_mb(server):
    """Resident memory of the server, MB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


async def entered(server, name="ann", address="192.0.2.1"):
    """A signed-in page that brushes."""
    visitor = Brusher(server.url, **{"X-Forwarded-For": address})
    assert (await visitor.sign_in(name)).code == 303
    return await visitor.begin()


def p95(taken):
    """95th percentile, s."""
    return round(float(np.percentile(taken, 95)), 3)


async def come_and_go(server, visits):
    """Pages that open, brush and close: memory, and the others' sessions."""
    first = await entered(server)
    alone = p95(await first.gestures(20))
    before = memory_mb(server)

    async def visit():
        page = Brusher(server.url, **first.headers)
        page.cookies = dict(first.cookies)
        await page.begin()
        await page.gestures(1)
        return page

    pages = []
    for _ in range(0, visits, 5):
        pages += await asyncio.gather(*(visit() for _ in range(5)))
    opened = memory_mb(server)
    among = p95(await first.gestures(20))
    for page in pages:
        page.leave()
    await asyncio.sleep(FORGOTTEN_S)
    after = memory_mb(server)
    # A session that still lived would refuse another user's websocket; one that is gone makes a new one.
    stranger = Visitor(server.url, **{"X-Forwarded-For": "192.0.2.9"})
    await stranger.sign_in("bob")
    left = 0
    for page in pages[:: max(1, len(pages) // 10)]:
        try:
            (await stranger.connect(page.token)).close()
        except HTTPClientError:
            left += 1
    still = p95(await first.gestures(5)) < 5
    first.leave()
    return {
        "fault": "sessions opened and closed",
        "tried": len(pages),
        "survived": len(pages) * (left == 0 and still),
        "mb_before": before,
        "mb_open": opened,
        "mb_after_closing": after,
        "sessions_left_of_10": left,
        "p95_s_alone": alone,
        "p95_s_among_them": among,
    }


async def slow_readers(server, readers, stars):
    """Pages that ask for star after star and read nothing."""
    brusher = await entered(server)
    alone, before = p95(await brusher.gestures(20)), memory_mb(server)
    pages = [await entered(server, "bob") for _ in range(readers)]
    for page in pages:
        page.reader.cancel()
    taken = []
    for _ in range(4):
        for page in pages:
            for _ in range(stars // 4):
                await page.say({"kind": "star_step", "by": 1}, wait=False)
        taken += await brusher.gestures(10)
    most = memory_mb(server)
    for page in pages:
        page.leave()
    brusher.leave()
    beside = p95(taken)
    return {
        "fault": "pages that never read",
        "tried": readers,
        "survived": readers * (beside < alone + 10 * MAX_SLOWER),
        "messages": readers * stars,
        "mb_before": before,
        "mb_most": most,
        "p95_s_alone": alone,
        "p95_s_beside": beside,
    }


async def flood(server, count, *, one_address):
    """Sign-ins with wrong passwords at once, beside one person who brushes and one who signs in."""
    brusher = await entered(server)
    alone = p95(await brusher.gestures(20))

    eve = Visitor(server.url, **{"X-Forwarded-For": "192.0.2.5"})
    await eve.sign_in("eve")

    async def guess(number):
        address = "198.51.100.9" if one_address else f"203.0.113.{number}"
        visitor = Visitor(server.url, **{"X-Forwarded-For": address})
        return (await visitor.sign_in("ann" if number % 2 else f"guess{number}", "a wrong password")).code

    async def sign_in():
        begun = time.monotonic()
        answer = await eve.sign_in("eve")
        return answer.code == 303, round(time.monotonic() - begun, 2)

    guesses = asyncio.gather(*map(guess, range(count)))
    person = asyncio.create_task(sign_in())
    taken = await brusher.gestures(10)
    while not guesses.done():
        taken += await brusher.gestures(2)
    codes = guesses.result()
    let_in, waited = await person
    brusher.leave()
    beside = p95(taken)
    return {
        "fault": f"sign-in flood from {'one address' if one_address else f'{count} addresses'}",
        "tried": count,
        "survived": count * (let_in and beside < alone + MAX_SLOWER),
        "hashed": codes.count(200),
        "refused_unhashed": codes.count(429),
        "a_right_password_took_s": waited,
        "p95_s_alone": alone,
        "p95_s_beside": beside,
    }


async def thefts(home, users, rounds):
    """Every way to another's living session, for every pair of users."""
    tried = held = 0
    async with serving(config_of(home, "--users", users.path)) as (url, guard):
        people = {name: Visitor(url) for name in NAMES}
        for name, person in people.items():
            await person.sign_in(name)
        people["nobody"] = Visitor(url)
        for _ in range(rounds):
            for owner in NAMES:
                token = await people[owner].open_page()
                socket = await people[owner].connect(token)
                for thief in people.values():
                    if thief is people[owner]:
                        continue
                    pages = [
                        await thief.fetch(f"?bokeh-token={token}"),
                        await thief.fetch(f"autoload.js?bokeh-autoload-element=x&bokeh-token={token}"),
                        await thief.fetch("?bokeh-session-id=chosen"),
                        await thief.fetch("", **{"Bokeh-Session-Id": "chosen"}),
                    ]
                    tried += len(pages) + 1
                    held += sum(page.code == 403 for page in pages)
                    try:
                        await thief.connect(token)
                    except HTTPClientError:
                        held += 1
                socket.close()
        sessions = len(guard.sessions)
    return {"fault": "theft of a session", "tried": tried, "survived": held, "sessions_made": sessions}


async def forgeries(home, users):
    """Cookies that were forged, changed, or are of another time."""
    config = config_of(home, "--users", users.path)
    async with serving(config) as (url, guard):
        ann = Visitor(url)
        await ann.sign_in("ann")
        name, key = guard.commands.user_cookie, cookie_key(config)
        good = {"user": "ann", "sign_in": "0" * 32, "stamp": users.stamp_of("ann"), "until": time.time() + 999}

        def signed(value, key=key, clock=time.time):
            return create_signed_value(key, name, json.dumps(value), clock=clock).decode()

        cookies = [signed(good, f"key {number}") for number in range(50)]
        cookies += [signed(good, clock=lambda days=days: time.time() - 86_401 * days) for days in range(1, 31)]
        cookies += [signed(good | {"until": time.time() - seconds}) for seconds in (0, 1, 60, 86_400)]
        cookies += [signed(good | {"user": other}) for other in ("bob", "eve", "", "zed", None, 7)]
        cookies += [signed(other) for other in (None, [], {}, "ann", {"user": "ann"}, good | {"stamp": None})]
        real = ann.cookies[name]
        cookies += [real[:at] + ("A" if real[at] != "A" else "B") + real[at + 1 :] for at in range(8, len(real), 3)]
        held = 0
        for cookie in cookies:
            forger = Visitor(url)
            forger.cookies = {name: cookie}
            held += (await forger.fetch()).code == 302
        ann.cookies = {name: signed(good)}
        assert (await ann.fetch()).code == 200, "the forgeries fail for their reasons alone"
    return {"fault": "forged and old cookies", "tried": len(cookies), "survived": held}


def stopped_and_asked(home, products, users):
    """A server that is killed and started again knows the same cookies, and those that were ended."""
    environment = {"MGIANT_HOME": str(home / "home")}
    arguments = (str(products), "--users", str(users.path))
    server = Server(*arguments, environment=environment)

    async def visit(visitors):
        for name, visitor in visitors.items():
            visitor.url = server.url
            await visitor.sign_in(name)
        copy = dict(visitors["bob"].cookies)
        await visitors["bob"].fetch("logout")
        visitors["bob"].cookies = copy

    async def ask(visitors):
        return {name: (await visitor.fetch()).code for name, visitor in visitors.items()}

    visitors = {name: Visitor(server.url) for name in NAMES}
    asyncio.run(visit(visitors))
    server.process.kill()
    server.stop()
    command = [sys.executable, "-m", "explorer", "users", "remove", "eve", "--file", str(users.path)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    server = Server(*arguments, environment=environment)
    try:
        for visitor in visitors.values():
            visitor.url = server.url
        codes = asyncio.run(ask(visitors))
    finally:
        server.stop()
    right = {"ann": 200, "bob": 302, "eve": 302}
    return {
        "fault": "a server killed between sign-in and page",
        "tried": len(right),
        "survived": sum(codes[name] == code for name, code in right.items()),
        "codes": codes,
    }
