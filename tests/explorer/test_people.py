"""Users, their passwords and roles, and who counts as somebody."""

import io
import json
import logging
from dataclasses import replace
from pathlib import Path

import panel as pn
import pytest

from explorer.__main__ import main
from explorer.config import AppConfig
from explorer.model.vetting.attempts import Attempts
from explorer.model.vetting.people import Nobody, Role, SoleUser, UserError, UserFile
from explorer.views.vetting.signin import NO_USERS, SHARED_ENTRY, UserFileProvider, people_of, serving, visitor

PASSWORD = "correct horse battery"


@pytest.fixture
def users(tmp_path):
    file = UserFile(tmp_path / "users.json")
    file.add("ann", Role.INSPECTOR, PASSWORD)
    file.add("olga", Role.ADJUDICATOR, None)
    return file


@pytest.fixture
def config(tmp_path):
    return AppConfig.from_arguments([str(tmp_path)], {"MGIANT_HOME": str(tmp_path / "home")})


def test_passwords_are_hashed_and_checked(users):
    text = users.path.read_text()
    assert PASSWORD not in text
    assert json.loads(text)["ann"]["hash"].startswith("$argon2id$")
    assert users.path.stat().st_mode & 0o777 == 0o600
    assert users.check("ann", PASSWORD)
    for name, password in (("ann", "wrong"), ("ann", ""), ("nobody", PASSWORD), ("olga", ""), ("ann", "x" * 10**6)):
        assert not users.check(name, password)


def test_roles_follow_the_file(users):
    assert (users.role_of("ann"), users.role_of("stranger")) == (Role.INSPECTOR, Role.VIEWER)
    UserFile(users.path).add("ann", Role.VIEWER, PASSWORD, replace=True)
    assert users.role_of("ann") is Role.VIEWER
    users.remove("ann")
    assert not users.check("ann", PASSWORD)


@pytest.mark.parametrize("name", ["", "a b", "../ann", "ann\nbob", "<b>", "'; --", "x" * 65])
def test_names_that_are_none_are_refused(users, name):
    with pytest.raises(UserError, match="no user name"):
        users.add(name, Role.INSPECTOR, PASSWORD)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"ann": {"role": "king", "hash": ""}}', '{"../ann": {"role": "viewer", "hash": ""}}']
)
def test_a_damaged_file_of_users_lets_nobody_in(tmp_path, text):
    path = tmp_path / "users.json"
    path.write_text(text)
    with pytest.raises(UserError, match="not a file of users"):
        UserFile(path).check("ann", PASSWORD)


def test_the_command_adds_lists_and_removes(tmp_path, monkeypatch, capsys):
    file = ["--file", str(tmp_path / "users.json")]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert main(["users", "add", "ann", "--role", "adjudicator", *file]) == 0
    assert main(["users", "list", *file]) == 0
    assert "ann\tadjudicator" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert main(["users", "add", "bob", *file]) == 2
    told = capsys.readouterr().err
    assert "at least 10 characters" in told
    assert "short" not in told
    assert main(["users", "remove", "ann", *file]) == 0
    assert main(["users", "remove", "ann", *file]) == 2


def test_alone_on_a_laptop_one_may_do_everything(config):
    person, reason = visitor(config)
    assert reason == ""
    assert isinstance(people_of(config), SoleUser)
    assert people_of(config).role_of(person.name) is Role.ADJUDICATOR
    assert serving(config) == {}


def test_a_shared_password_or_an_open_server_makes_nobody_an_inspector(config, monkeypatch):
    for name in (None, "ann"):
        monkeypatch.setattr(type(pn.state), "user", name)
        hosted, opened = replace(config, hosted=True), replace(config, address="0.0.0.0")
        assert visitor(hosted) == (None, SHARED_ENTRY if name else NO_USERS)
        for group in (opened, replace(config, origins=("stars.example.org",))):
            assert visitor(group) == (None, NO_USERS)
        assert not opened.alone
        assert people_of(opened).role_of("ann") is Role.VIEWER


def test_a_name_that_a_provider_invents_cannot_stand_in_the_record(config, users, monkeypatch):
    group = replace(config, users=users.path)
    monkeypatch.setattr(type(pn.state), "user", "ann\nRefused: bob")
    person, reason = visitor(group)
    assert person is None
    assert "cannot stand in the record" in reason
    monkeypatch.setattr(type(pn.state), "user", "ann")
    assert visitor(group)[0].name == "ann"


class Seconds:
    """A clock of the tests' own."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


@pytest.fixture
def hashed(users, monkeypatch):
    """Names whose passwords were hashed."""
    seen, check = [], users.check
    monkeypatch.setattr(users, "check", lambda name, password: seen.append(name) or check(name, password))
    return seen


def form_of(users, seconds):
    handler = UserFileProvider(users, seconds).login_handler
    return handler.__new__(handler)


def test_the_sign_in_form_never_logs_what_was_typed(users, seconds, caplog):
    form = form_of(users, seconds)
    with caplog.at_level(logging.WARNING):
        assert not form._validate("ann\nforged line", PASSWORD)
        assert not form._validate("a password typed here", "a wrong secret")
        assert not form._validate("My.Password1", PASSWORD)
        assert not form._validate("ann", "a wrong secret")
    assert form._validate("ann", PASSWORD)
    told = [one.getMessage() for one in caplog.records]
    assert told == ["Refused: a wrong name or password for an unknown name."] * 3 + [
        "Refused: a wrong name or password for 'ann'."
    ]


def test_five_failures_lock_a_name_for_a_minute_without_hashing(users, seconds, hashed):
    form = form_of(users, seconds)
    for _ in range(5):
        assert not form._validate("ann", "wrong")
        seconds.now += 20.0
    seconds.now -= 20.0
    assert not form._validate("ann", PASSWORD), "even the right password waits"
    assert len(hashed) == 5
    assert form_of(users, seconds)._validate("ann", PASSWORD), "another server counts for itself"
    seconds.now += 59.0
    assert not form._validate("ann", PASSWORD)
    seconds.now += 1.0
    assert form._validate("ann", PASSWORD)
    for _ in range(4):
        assert not form._validate("ann", "wrong")
    assert form._validate("ann", PASSWORD), "a success starts anew"


def test_slow_failures_lock_nobody(users, seconds):
    form = form_of(users, seconds)
    for _ in range(12):
        assert not form._validate("ann", "wrong")
        seconds.now += 76.0
    assert form._validate("ann", PASSWORD)


def test_many_failures_lock_all_unknown_names(users, seconds, hashed):
    form = form_of(users, seconds)
    for number in range(31):
        assert not form._validate(f"guess{number}", "wrong")
    before = len(hashed)
    assert not form._validate("another", "wrong")
    assert len(hashed) == before
    assert form._validate("ann", PASSWORD), "users come in"
    seconds.now += 60.0
    assert not form._validate("another", "wrong")
    assert hashed[-1] == "another"


def test_old_failures_are_forgotten(seconds):
    attempts = Attempts(seconds)
    for number in range(1000):
        attempts.failed(f"guess{number}")
        seconds.now += 10.0
    assert len(attempts._by_name) < 40


def test_who_was_removed_meanwhile_is_nobody(config, users, monkeypatch):
    monkeypatch.setattr(type(pn.state), "user", "ann")
    group = replace(config, users=users.path)
    assert visitor(group)[0].name == "ann"
    users.remove("ann")
    person, reason = visitor(group)
    assert person is None
    assert "ann is signed in but is not in this server's file of users" in reason


def test_who_is_known(users):
    assert [users.knows(name) for name in ("ann", "olga", "bob")] == [True, True, False]
    assert [SoleUser("ann").knows(name) for name in ("ann", "bob")] == [True, False]
    assert not Nobody().knows("ann")


def test_a_cookie_of_a_server_with_other_users_is_worthless(config, users, tmp_path, monkeypatch):
    monkeypatch.setattr(pn.config, "oauth_provider", None)
    keys = [
        serving(replace(config, users=path, oauth=oauth))["cookie_secret"]
        for path in (users.path, tmp_path / "others.json")
        for oauth in ("", "github", "google")
    ]
    keys.append(serving(replace(config, oauth="github"))["cookie_secret"])
    assert len(set(keys)) == 7
    monkeypatch.chdir(tmp_path)
    same = serving(replace(config, users=Path("users.json")))["cookie_secret"]
    assert same == keys[0]
    assert all((config.home / "cookie_secret.2").read_text() not in key for key in keys)
    monkeypatch.setenv("MGIANT_COOKIE_SECRET", "of the environment")
    named = [serving(replace(config, users=path))["cookie_secret"] for path in (users.path, tmp_path / "others.json")]
    assert len({*named, *keys, "of the environment"}) == 10


def test_the_key_of_the_cookies_is_made_once_and_the_records_url_is_not_shown(config, users):
    group = replace(config, users=users.path, record="postgresql://u:hunter2@h/d")
    assert serving(group)["cookie_secret"] == serving(group)["cookie_secret"]
    assert (group.home / "cookie_secret.2").stat().st_mode & 0o777 == 0o600
    assert "hunter2" not in repr(group)
