"""Vetting by two inspectors and an adjudicator in a real browser, to a release."""

import json
import re
import subprocess
import sys

import pandas as pd
import pytest
from driver import ROOT, Server
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
PASSWORDS = {name: f"correct horse {name}" for name in ("ann", "bob", "eve", "vic")}
ROLES = {"ann": "inspector", "bob": "inspector", "eve": "adjudicator", "vic": "viewer"}
HEADER = ".vetting.vet .star header strong"
SCRIPT = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>'); DROP TABLE event; --"
STARS = 20


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("vetting home")


@pytest.fixture(scope="module")
def group(products, home):
    """A server that knows four users."""
    users = home / "users.json"
    for name, role in ROLES.items():
        command = [sys.executable, "-m", "explorer", "users", "add", name, "--role", role, "--file", str(users)]
        subprocess.run(command, input=PASSWORDS[name] + "\n", text=True, check=True, cwd=ROOT, capture_output=True)
    running = Server(str(products), "--users", str(users), environment={"MGIANT_HOME": str(home)})
    yield running
    running.stop()


class Person:
    """Somebody at a browser of their own."""

    def __init__(self, browser, server, name, password, **size):
        self.name = name
        self.context = browser.new_context(viewport=size or {"width": 1280, "height": 720}, accept_downloads=True)
        self.page = self.context.new_page()
        self.errors, self.foreign = [], []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda one: self.errors.append(one.text) if one.type == "error" else None)
        self.page.on(
            "request",
            lambda one: (
                None
                if "localhost" in one.url or one.url.startswith(("data:", "blob:"))
                else self.foreign.append(one.url)
            ),
        )
        self.page.goto(server.url)
        self.sign_in(password)

    def sign_in(self, password):
        self.page.get_by_label("Name").fill(self.name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def enter(self, room):
        self.page.get_by_role("tab", name=room).click(timeout=60_000)
        return self.page.locator(
            f".vetting.{ {'Vet': 'vet', 'Adjudicate': 'adjudicate', 'Campaigns': 'campaigns'}[room] }"
        )

    def star(self):
        return self.page.locator(HEADER).first.inner_text(timeout=20_000)

    def wait_for_left(self, left):
        self.page.locator(".vetting.vet .controls .hint", has_text=f", {left} left for you").wait_for(timeout=30_000)

    def press(self, *keys):
        """As people do: nobody judges a star in a quarter of a second, and the page takes no such verdict."""
        self.page.wait_for_timeout(300)
        for key in keys:
            self.page.keyboard.press(key)

    def close(self):
        assert self.errors == []
        assert self.foreign == []
        self.context.close()


@pytest.fixture(scope="module")
def crowd(browser, group):
    inside = {}

    def come(name):
        if name not in inside:
            inside[name] = Person(browser, group, name, PASSWORDS[name])
        return inside[name]

    yield come
    for one in inside.values():
        one.close()
    assert group.complaints() == []


def start_campaign(eve, name="odd ones", stars=STARS):
    room = eve.enter("Campaigns")
    room.get_by_label("Name of the campaign").fill(name)
    room.get_by_label("Stars", exact=True).fill(str(stars))
    rules = room.get_by_label("Rules as TOML")
    if not rules.is_visible():
        room.get_by_text("Custom rules").click()
    rules.fill("control_fraction = 0.0\nrepeat_fraction = 0.0")
    room.get_by_role("button", name="Start", exact=True).click()
    room.get_by_text(f"0 of {2 * stars} reviews").wait_for(timeout=30_000)


def judge(person, left, until, verdict_of):
    """Judge star after star with the keyboard alone, from so many left to so many; returns the stars."""
    seen = []
    while left > until:
        person.wait_for_left(left)
        if seen:  # the numbers of another's look at the record may come before the next star
            person.page.locator(HEADER).filter(has_not_text=seen[-1]).wait_for(timeout=20_000)
        seen.append(person.star())
        person.press(*verdict_of(seen[-1]))
        left -= 1
    person.wait_for_left(until)
    return seen


@pytest.mark.timeout(900)
def test_from_the_queue_to_the_release(crowd, home, products, tmp_path):
    eve, ann, bob = crowd("eve"), crowd("ann"), crowd("bob")
    start_campaign(eve)

    ann.enter("Vet")
    ann.wait_for_left(STARS)
    odd = ann.star()
    bob.enter("Vet")
    bob.wait_for_left(STARS)
    assert bob.star() != odd, "two people never get the same star at once"

    # Ann comments on the first with something nasty, undoes once, and judges all twenty without the mouse.
    ann.press("c")
    ann.page.keyboard.insert_text(SCRIPT)
    ann.press("Control+Enter", "3")
    ann.wait_for_left(STARS - 1)
    ann.press("u")
    ann.wait_for_left(STARS)
    assert ann.star() == odd
    kept = bob.star()
    seen = judge(ann, STARS, 1, lambda star: ["t", "0"] if star == odd else ["3"])
    assert len(set(seen)) == STARS - 1
    second = seen[4]

    # Bob has claimed one star; when he has judged it, Ann receives it by itself.
    ann.page.get_by_text("Nothing is left for you").wait_for(timeout=20_000)
    assert judge(bob, STARS, STARS - 1, lambda _: ["4"]) == [kept]
    ann.page.locator(".vetting.vet .star header strong", has_text=kept).wait_for(timeout=20_000)
    assert judge(ann, 1, 0, lambda _: ["3"]) == [kept]

    # In Campaigns no inspector sees how the others judged.
    assert "conflict" not in bob.enter("Campaigns").inner_text()
    bob.enter("Vet")
    bob.wait_for_left(STARS - 1)

    # Bob saw nothing of what she said; he disagrees on one verdict and on one flag.
    assert "script" not in bob.page.locator(".vetting.vet").inner_text()
    judge(bob, STARS - 1, 0, lambda star: ["e", "3"] if star == second else ["4"])

    room = eve.enter("Adjudicate")
    eve.page.locator(".conflicts .hint", has_text="2 open, 0 settled").wait_for(timeout=30_000)
    eve.page.locator(".vetting.adjudicate .cases button", has_text=odd.split()[-1]).click()
    said = room.locator(".reviews")
    said.get_by_text("<script>").wait_for(timeout=20_000)
    assert said.locator("article").count() == 2
    assert eve.page.evaluate("window.pwned") is None
    eve.press("q", "1")
    eve.page.locator(".conflicts .hint", has_text="1 open, 1 settled").wait_for(timeout=30_000)

    room = eve.enter("Campaigns")
    room.get_by_text(f"{2 * STARS} of {2 * STARS} reviews").wait_for(timeout=30_000)
    assert "ann and bob" in room.inner_text()
    room.get_by_label("Name of the release").fill("v1")
    room.get_by_role("button", name="Freeze").click()
    room.locator(".outcome .path").wait_for(timeout=120_000)
    frozen = pd.read_parquet(
        home / "releases" / f"{json.loads((products / 'manifest.json').read_text())['name']}.v1" / "catalog.parquet"
    )
    frozen = frozen.set_index("obsid")
    assert dict(frozen["vet_status"].value_counts().drop("")) == {"agreed": STARS - 2, "adjudicated": 1, "conflict": 1}
    adjudicated = frozen.loc[int(odd.split()[-1])]
    assert (adjudicated["vet_flag"], adjudicated["vet_issues"], adjudicated["vet_n"]) == (1, "RV", 2)

    # The command line freezes the same bytes from the exported verdicts.
    with eve.page.expect_download() as taken:
        room.get_by_role("button", name="Export verdicts").click()
    taken.value.save_as(tmp_path / "verdicts.csv")
    command = [sys.executable, "-m", "pipeline", "release", str(products), "--name", "v1"]
    command += ["--verdicts", str(tmp_path / "verdicts.csv"), "--output", str(tmp_path / "v1")]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    for ours in (tmp_path / "v1").iterdir():
        assert ours.read_bytes() == next(home.glob("releases/*.v1")).joinpath(ours.name).read_bytes(), ours.name


def test_a_held_key_judges_one_star_and_unsaved_input_stays(crowd):
    eve, ann = crowd("eve"), crowd("ann")
    start_campaign(eve, "held keys", 4)
    vet = ann.enter("Vet")
    vet.get_by_label("Campaign").select_option(label="held keys")
    ann.wait_for_left(4)
    first = ann.star()
    ann.press("c")
    ann.page.keyboard.insert_text("half a thought")
    ann.press("Escape", "q", "j")
    ann.page.locator(".vetting.vet .star header strong", has_not_text=first.split()[-1]).first.wait_for(timeout=20_000)
    ann.page.wait_for_timeout(400)
    ann.page.keyboard.down("3")
    for _ in range(15):
        ann.page.wait_for_timeout(40)
        ann.page.keyboard.down("3")  # a browser tells a key that is held again and again
    ann.page.keyboard.up("3")
    ann.wait_for_left(3)
    ann.page.wait_for_timeout(500)
    ann.wait_for_left(3)
    for _ in range(3):
        if ann.star() == first:
            break
        ann.press("j")
        ann.page.wait_for_timeout(500)
    assert ann.star() == first
    assert ann.page.get_by_label("Comment").input_value() == "half a thought"
    assert vet.get_by_role("button", name="q RV").get_attribute("aria-pressed") == "true"


def test_a_verdict_that_was_lost_on_its_way_is_handed_in_again(crowd):
    eve, ann = crowd("eve"), crowd("ann")
    start_campaign(eve, "lost ones", 3)
    ann.page.reload()
    ann.enter("Vet")
    ann.wait_for_left(3)
    star = ann.star()
    ann.press("c")
    ann.page.keyboard.insert_text("typed once")
    ann.press("Escape")
    ann.page.evaluate("WebSocket.prototype.send = () => {}")
    ann.press("3")
    ann.page.wait_for_timeout(500)
    ann.page.reload()
    ann.enter("Vet")
    ann.wait_for_left(2)
    ann.press("k")
    ann.page.locator(".vetting.vet .star header strong", has_text=star.split()[-1]).wait_for(timeout=20_000)
    expect(ann.page.get_by_label("Comment")).to_have_value("typed once", timeout=20_000)
    eve.enter("Campaigns").get_by_text("1 of 6 reviews").wait_for(timeout=20_000)


def test_a_viewer_sees_progress_and_may_do_nothing(crowd, group):
    vic = crowd("vic")
    room = vic.enter("Vet")
    room.get_by_text("vic has the role of viewer here").wait_for(timeout=30_000)
    room = vic.enter("Campaigns")
    room.get_by_text("vic, viewer").wait_for(timeout=30_000)
    assert room.get_by_role("button", name="Freeze").count() == 0
    # A page that was tampered with sends what its buttons would not.
    vic.page.evaluate(
        """() => {
          const models = Bokeh.documents.flatMap(d => [...d.all_models])
          for (const model of models) {
            if (model.type?.endsWith('ReactiveESM') || model.esm) {
              for (const data of [{kind: 'judge', id: 'x', star: '1', verdict: 4, flags: [], note: ''},
                                  {kind: 'freeze', name: '../../evil'}, {kind: 'start', name: 'mine', stars: 5}]) {
                model.trigger_event(new (class extends Bokeh.require('core/bokeh_events').ModelEvent {
                  constructor(data) { super(); this.data = data; this.origin = model }
                  get event_values() { return {model: this.origin, data: this.data} }
                  static { this.prototype.event_name = 'data_event' }
                })(data))
              }
            }
          }
        }"""
    )
    vic.page.wait_for_timeout(1500)
    refusals = [line for line in group.lines if "Refused" in line]
    assert any("'judge'" in line for line in refusals), group.lines[-20:]
    assert any("'freeze'" in line and "for adjudicators" in line for line in refusals)
    assert any("'start'" in line and "for adjudicators" in line for line in refusals)


def test_a_link_cannot_choose_the_session_of_who_opens_it(crowd, group):
    page = crowd("bob").context.new_page()
    assert page.goto(group.url + "?bokeh-session-id=chosen-by-somebody-else").status == 403
    page.close()
    group.lines[:] = [line for line in group.lines if "invalid signature" not in line]  # what was provoked


def test_a_new_password_leads_an_open_page_to_the_sign_in(crowd, browser, group, home):
    """And the page of another user stays as it is."""
    users = str(home / "users.json")

    def change(password):
        command = [sys.executable, "-m", "explorer", "users", "add", "dan", "--replace", "--file", users]
        subprocess.run(command, input=password + "\n", text=True, check=True, cwd=ROOT, capture_output=True)

    change("correct horse dan")
    dan = Person(browser, group, "dan", "correct horse dan")
    dan.enter("Vet").wait_for(timeout=60_000)
    bob = crowd("bob")
    bob.enter("Campaigns").wait_for(timeout=30_000)
    change("another horse of dan")
    dan.page.get_by_role("button", name="Sign in").wait_for(timeout=30_000)
    assert "/login?next=" in dan.page.url
    dan.sign_in("correct horse dan")
    dan.page.get_by_text("The name or the password is wrong.").wait_for(timeout=20_000)
    dan.sign_in("another horse of dan")
    dan.enter("Vet").wait_for(timeout=60_000)
    dan.page.get_by_role("link", name="Sign out").click()
    dan.page.get_by_role("button", name="Sign in").wait_for(timeout=20_000)
    assert bob.enter("Campaigns").is_visible()
    ended = [line for line in group.lines if "session ended" in line]
    assert len(ended) == 2, ended
    assert all('user="dan"' in line for line in ended)
    dan.errors[:] = [text for text in dan.errors if "WebSocket" not in text]  # the browser speaks of the refused one
    dan.close()


def test_wrong_passwords_stay_outside_and_no_secret_is_logged(browser, group, home):
    person = Person(browser, group, "ann", "wrong horse battery")
    person.page.get_by_text("The name or the password is wrong.").wait_for(timeout=10_000)
    person.page.goto(group.url.rstrip("/") + "/login?error=<script>window.pwned=1</script>")
    assert person.page.evaluate("window.pwned") is None
    assert "<script>window" not in person.page.content()
    person.close()
    text = "\n".join(group.lines) + (home / "users.json").read_text()
    secret = (home / "cookie_secret.2").read_text()
    assert 'refused what="a wrong name or password" user="ann"' in text
    for word in (*PASSWORDS.values(), "wrong horse battery", secret):
        assert word not in text
    assert re.fullmatch("0o100600", oct((home / "users.json").stat().st_mode))
    assert re.fullmatch("0o100600", oct((home / "cookie_secret.2").stat().st_mode))
