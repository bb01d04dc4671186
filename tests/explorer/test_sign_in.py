"""The sign-in form, its cookies, and rate limits that lock out no other user."""

import asyncio
import time

import pytest
from argon2 import PasswordHasher
from visiting import PASSWORD, Visitor, config_of, serving

from explorer.access.sign_in import local_path
from explorer.vetting.attempts import MAX_COUNTERS, Attempts, network_of
from explorer.vetting.people import Role, UserError, UserFile


@pytest.fixture
def users(tmp_path):
    file = UserFile(tmp_path / "users.json")
    file._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # a stored hash keeps its cost
    for name in ("ann", "bob"):
        file.add(name, Role.INSPECTOR, PASSWORD)
    return file


class Seconds:
    """A clock of the tests' own."""

    now = 1000.0

    def __call__(self):
        return self.now


def test_only_the_form_of_this_server_signs_in(tmp_path, users):
    async def attack():
        async with serving(config_of(tmp_path, "--users", users.path)) as (url, _):
            for forged in ("", "x", "2|1|1|1"):
                answer = await Visitor(url).sign_in("ann", form_token=forged)
                assert (answer.code, b"not sent by the sign-in page" in answer.body) == (403, True)
            other = Visitor(url)
            await other.fetch("login")
            stolen = Visitor(url)
            answer = await stolen.sign_in("ann", form_token=other.cookies[next(iter(other.cookies))])
            assert answer.code == 403
            for origin in ("https://evil.example", "null", "file://", "http://localhost.evil.example:80"):
                visitor = Visitor(url)
                answer = await visitor.sign_in("ann", Origin=origin)
                assert (answer.code, b"--origin" in answer.body) == (403, True), origin
                assert not [name for name in visitor.cookies if "user" in name]
            assert (await Visitor(url).sign_in("ann", Origin=url.rstrip("/"))).code == 303

    asyncio.run(attack())


@pytest.mark.parametrize("tls", [False, True])
def test_cookies_are_for_this_server_alone(tmp_path, users, tls):
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"} if tls else {}

    async def look():
        config = config_of(tmp_path, "--users", users.path, "--prefix", "mgiants", "--proxied")
        async with serving(config) as (url, _):
            visitor = Visitor(url, **proxied)
            answer = await visitor.sign_in("ann", path="mgiants/login?next=/?star=7")
            assert (answer.code, answer.headers["Location"]) == (303, "./?star=7")
            assert ("Strict-Transport-Security" in answer.headers) is tls
            assert {name.rsplit("-", 1)[0] for name in visitor.cookies} == {
                *("mgiant-user", "mgiant-known", "mgiant-form")
            }
            for name, attributes in visitor.attributes.items():
                assert attributes.get("Path") == "/mgiants", name
                assert attributes.get("SameSite") == "Lax", name
                assert "HttpOnly" in attributes, name
                assert ("Secure" in attributes) is tls, name

    asyncio.run(look())


def test_the_proxys_word_is_not_believed_without_the_option(tmp_path, users, caplog):
    async def look():
        async with serving(config_of(tmp_path, "--users", users.path)) as (url, _):
            visitor = Visitor(url, **{"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"})
            await visitor.sign_in("ann")
            assert "Secure" not in visitor.attributes[next(name for name in visitor.cookies if "user" in name)]

    with caplog.at_level("INFO"):
        asyncio.run(look())
    assert "192.0.2.7" not in caplog.text


def test_behind_a_proxy_only_its_own_headers_are_believed(tmp_path, users, caplog):
    """nginx passes on what a visitor sends, and Tornado prefers X-Real-Ip and X-Scheme to the proxy's headers."""

    async def attack():
        async with serving(config_of(tmp_path, "--users", users.path, "--proxied")) as (url, _):
            by_nginx = {"X-Forwarded-For": "198.51.100.9", "X-Forwarded-Proto": "https"}
            codes = []
            for number in range(8):
                forged = {"X-Real-Ip": f"192.0.2.{number}", "X-Scheme": "http"}
                visitor = Visitor(url, **by_nginx, **forged)
                codes.append((await visitor.sign_in("ann", f"guess {number}")).code)
            assert codes == [200] * 5 + [429] * 3
            assert all("Secure" in one for one in visitor.attributes.values())
            assert (await Visitor(url, **{"X-Forwarded-For": "192.0.2.77"}).sign_in("ann")).code == 303

    with caplog.at_level("INFO"):
        asyncio.run(attack())
    assert "198.51.100.9" in caplog.text
    assert "192.0.2.77" in caplog.text
    assert "192.0.2.1" not in caplog.text


def test_users_cannot_lock_out_each_other(tmp_path, users):
    async def attack():
        async with serving(config_of(tmp_path, "--users", users.path, "--proxied")) as (url, guard):
            guard.service.attempts.clock = clock = Seconds()
            at_home = Visitor(url, **{"X-Forwarded-For": "192.0.2.1"})
            assert (await at_home.sign_in("ann")).code == 303
            attacker = Visitor(url, **{"X-Forwarded-For": "198.51.100.9"})
            codes = [(await attacker.sign_in("ann", f"guess {number}")).code for number in range(8)]
            assert codes == [200] * 5 + [429] * 3
            again = await attacker.sign_in("ann")
            assert (again.code, b"from your address" in again.body) == (429, True), "the right password is a guess, too"
            assert 0 < float(again.headers["Retry-After"]) <= 1
            assert (await attacker.sign_in("bob")).code == 303, "another name at the same address"
            elsewhere = Visitor(url, **{"X-Forwarded-For": "192.0.2.2"})
            assert (await elsewhere.sign_in("ann")).code == 303, "another address"
            at_home.headers["X-Forwarded-For"] = "198.51.100.9"
            assert (await at_home.sign_in("ann")).code == 303, "the same address, a browser that ann used before"
            clock.now += 61
            assert (await attacker.sign_in("ann", "guess")).code == 200
            clock.now += 1
            assert (await attacker.sign_in("ann", "guess")).code == 429, "pauses double"

    asyncio.run(attack())


def test_failures_are_counted_within_bounds():
    clock = Seconds()
    attempts = Attempts(clock)
    for number in range(3 * MAX_COUNTERS):
        attempts.failed("ann", f"address {number}", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(attempts._pairs) == len(attempts._addresses) == MAX_COUNTERS
    clock.now += 901
    attempts.failed("ann", "one", "192.0.2.1")
    assert len(attempts._pairs) == len(attempts._addresses) == 1
    for _ in range(200):
        attempts.failed("ann", "one", "192.0.2.1")
    assert attempts.pause_s("ann", "one") == 60
    assert attempts.delay_s("192.0.2.1") == 5
    attempts.succeeded("ann", "one")
    assert attempts.pause_s("ann", "one") == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "", True),
    ],
)
def test_addresses_of_one_customer_count_together(one, other, same):
    assert (network_of(one) == network_of(other)) is same


def test_a_flood_is_refused_before_it_is_hashed_and_another_address_gets_in(tmp_path, users, monkeypatch):
    hashed, check = [], UserFile.check

    def slow(self, name, password):
        hashed.append(name)
        time.sleep(0.02)
        return check(self, name, password)

    async def attack():
        async with serving(config_of(tmp_path, "--users", users.path, "--proxied")) as (url, _):
            monkeypatch.setattr(UserFile, "check", slow)
            attacker = Visitor(url, **{"X-Forwarded-For": "198.51.100.9"})
            await attacker.fetch("login")
            flood = [attacker.sign_in(f"guess{number}", "a wrong one") for number in range(50)]
            ann = Visitor(url, **{"X-Forwarded-For": "192.0.2.1"})
            *answers, signed_in = await asyncio.gather(*flood, ann.sign_in("ann"))
            assert signed_in.code == 303
            codes = [answer.code for answer in answers]
            assert codes.count(429) == 50 - codes.count(200)
            assert 0 < codes.count(200) <= 16
            assert len(hashed) == codes.count(200) + 1

    asyncio.run(attack())


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/?star=7", "/?star=7"),
        ("/", "/"),
        ("", "/"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/\r\nX: y", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_the_sign_in_redirects_only_within_this_server(text, path):
    assert local_path(text) == path


def test_a_file_of_users_that_breaks_is_a_sentence(tmp_path, users, caplog):
    async def look():
        async with serving(config_of(tmp_path, "--users", users.path)) as (url, guard):
            ann = Visitor(url)
            await ann.sign_in("ann")
            socket = await ann.connect(await ann.open_page())
            users.path.write_text("{")
            guard.sweep()
            for answer in (await Visitor(url).sign_in("ann"), await ann.fetch()):
                assert (answer.code, b"cannot be read" in answer.body) == (503, True)
            users.path.unlink()
            assert (await Visitor(url).sign_in("ann")).code == 200
            users.add("ann", Role.INSPECTOR, PASSWORD)
            assert (await Visitor(url).sign_in("ann")).code == 303
            socket.close()

    with caplog.at_level("INFO"):
        asyncio.run(look())
    assert "the file of users cannot be read" in caplog.text


def test_a_server_asks_for_its_file_of_users_when_it_starts(tmp_path):
    with pytest.raises(UserError, match="users could not sign in"):
        UserFile(tmp_path / "none.json").require()
    (tmp_path / "broken.json").write_text("[1]")
    with pytest.raises(UserError, match="not a file of users"):
        UserFile(tmp_path / "broken.json").require()
