"""Users, their passwords and roles, and who counts as somebody."""

import io
import json
import logging
from dataclasses import replace

import panel as pn
import pytest

from explorer.__main__ import main
from explorer.config import AppConfig
from explorer.model.vetting.people import Role, SoleUser, UserError, UserFile
from explorer.views.vetting.signin import NO_USERS, SHARED_ENTRY, Login, people_of, serving, visitor

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


def test_the_sign_in_form_logs_refusals_on_one_line_without_the_password(users, caplog):
    form = Login.__new__(Login)
    form.users = users
    with caplog.at_level(logging.WARNING):
        assert not form._validate("ann\nforged line", PASSWORD)
        assert not form._validate("ann", "a wrong secret")
    assert form._validate("ann", PASSWORD)
    assert len(caplog.records) == 2
    assert all("\n" not in one.getMessage() and "secret" not in one.getMessage() for one in caplog.records)


def test_the_key_of_the_cookies_is_made_once_and_the_records_url_is_not_shown(config, users):
    group = replace(config, users=users.path, record="postgresql://u:hunter2@h/d")
    assert serving(group)["cookie_secret"] == serving(group)["cookie_secret"]
    assert (group.home / "cookie_secret").stat().st_mode & 0o777 == 0o600
    assert "hunter2" not in repr(group)
