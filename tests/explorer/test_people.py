"""Users, passwords, roles and identification."""

import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import panel as pn
import pytest

from explorer.__main__ import main
from explorer.access.visitors import Visitor
from explorer.config import AppConfig
from explorer.rooms.vetting.signin import NO_USERS, SESSIONS, SHARED_ENTRY, guard_of, people_of, serving, visitor
from explorer.vetting.events import Authority
from explorer.vetting.people import NoUsers, Role, SingleUser, UserError, UserFile

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
def test_a_damaged_user_file_prevents_sign_in(tmp_path, text):
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
    errors = capsys.readouterr().err
    assert "at least 10 characters" in errors
    assert "short" not in errors
    assert main(["users", "remove", "ann", *file]) == 0
    assert main(["users", "remove", "ann", *file]) == 2


def test_alone_on_a_laptop_one_may_do_everything(config):
    person, reason = visitor(config)
    assert reason == ""
    assert isinstance(people_of(config), SingleUser)
    assert people_of(config).role_of(person.name) is Role.ADJUDICATOR


def test_a_shared_password_or_an_open_server_has_no_inspectors(config, monkeypatch):
    for name in (None, "ann"):
        monkeypatch.setattr(type(pn.state), "user", name)
        hosted, opened = replace(config, hosted=True), replace(config, address="0.0.0.0")
        assert visitor(hosted) == (None, SHARED_ENTRY if name else NO_USERS)
        for group in (opened, replace(config, origins=("stars.example.org",)), replace(config, proxied=True)):
            assert visitor(group, request_of("")) == (None, NO_USERS)
        assert not opened.alone
        assert people_of(opened).role_of("ann") is Role.VIEWER


def request_of(name):
    """A session's request as a guard leaves it."""
    return SimpleNamespace(visitor=Visitor(f"user:{name}", name, Authority.PASSWORD))


def test_a_name_that_a_provider_invents_cannot_stand_in_the_record(config, users):
    group = replace(config, users=users.path)
    person, reason = visitor(group, request_of("ann\nRefused: bob"))
    assert person is None
    assert "cannot be stored in the record" in reason
    assert visitor(group, request_of("ann"))[0].name == "ann"


def test_a_removed_user_is_unknown(config, users):
    group = replace(config, users=users.path)
    assert visitor(group, request_of("ann"))[0].name == "ann"
    users.remove("ann")
    person, reason = visitor(group, request_of("ann"))
    assert person is None
    assert "ann is signed in but is not in this server's file of users" in reason


def test_who_is_known(users):
    assert [users.knows(name) for name in ("ann", "olga", "bob")] == [True, True, False]
    assert [SingleUser("ann").knows(name) for name in ("ann", "bob")] == [True, False]
    assert not NoUsers().knows("ann")


def key_of(config):
    """The key that signs a server's cookies."""
    return serving(config, guard_of(config, SESSIONS))["cookie_secret"]


def test_a_cookie_of_a_server_with_other_users_is_worthless(config, users, tmp_path, monkeypatch):
    monkeypatch.setattr(pn.config, "oauth_provider", None)
    keys = [
        key_of(replace(config, users=path, oauth=oauth))
        for path in (users.path, tmp_path / "others.json")
        for oauth in ("", "github", "google")
    ]
    keys.append(key_of(replace(config, oauth="github")))
    assert len(set(keys)) == 7
    monkeypatch.chdir(tmp_path)
    same = key_of(replace(config, users=Path("users.json")))
    assert same == keys[0]
    assert all((config.home / "cookie_secret.2").read_text() not in key for key in keys)
    monkeypatch.setenv("MGIANT_COOKIE_SECRET", "of the environment")
    named = [key_of(replace(config, users=path)) for path in (users.path, tmp_path / "others.json")]
    assert len({*named, *keys, "of the environment"}) == 10


def test_the_key_of_the_cookies_is_made_once_and_the_records_url_is_not_shown(config, users):
    group = replace(config, users=users.path, record="postgresql://u:hunter2@h/d")
    assert key_of(group) == key_of(group)
    assert (group.home / "cookie_secret.2").stat().st_mode & 0o777 == 0o600
    assert "hunter2" not in repr(group)


def test_where_no_secret_can_be_kept_cookies_last_as_long_as_the_server(config, users, caplog):
    config.home.parent.mkdir(parents=True, exist_ok=True)
    config.home.write_text("a file where the folder should be")
    group = replace(config, users=users.path)
    assert key_of(group) == key_of(group)
    assert "sign-ins end with this server" in caplog.text
