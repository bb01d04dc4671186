"""Plan files that are damaged, foreign, protected or on a full disk: a sentence, and nothing is changed."""

import errno
import hashlib
import os
import shlex
import shutil
import sqlite3

import pytest
from fetches import fetch, write_ids, write_profile

from pipeline.sources.archives.plan import FetchPlan, Item
from pipeline.sources.archives.plan_errors import PlanError, named_error


@pytest.fixture
def plan_path(tmp_path):
    """A plan with 300 items."""
    path = tmp_path / "spectra.plan"
    with FetchPlan(path) as plan:
        plan.describe({"fetch": "spectra", "options": '{"ids": "none.csv"}'})
        plan.add(Item("spectra", str(number), {"obsid": number}, f"{number}.fits", 7) for number in range(300))
    return path


def changed(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("statement", ["CREATE TABLE verdicts (a)", "CREATE TABLE items (a)", "VACUUM", ""])
def test_a_foreign_database_is_left_as_it_is(tmp_path, statement, capsys):
    path = tmp_path / "foreign.plan"
    changed(path, statement) if statement else path.write_bytes(b"")
    before = digest(path)
    for more in ((), ("--dry-run",), ("--check",)):
        assert fetch("--plan", path, *more) == 2
        assert "is not a plan file: it " in capsys.readouterr().err
    if statement.startswith("CREATE"):
        with pytest.raises(PlanError, match="it has the tables"):
            FetchPlan(path)
    assert digest(path) == before
    assert [item.name for item in tmp_path.iterdir()] == ["foreign.plan"]


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE items SET state = 'other'", "an item has the state 'other'"),
        ("DELETE FROM about WHERE name = 'options'", "its options: "),
        ("UPDATE about SET value = '{' WHERE name = 'options'", "its options: "),
        ("UPDATE about SET value = '{\"ids\": 3}' WHERE name = 'options'", "its options: "),
    ],
)
def test_a_plan_with_other_values_is_named(plan_path, statement, says, capsys):
    changed(plan_path, statement)
    if "about" in statement:
        assert fetch("--plan", plan_path) == 2
        assert says in capsys.readouterr().err
        return
    with FetchPlan(plan_path) as plan, pytest.raises(PlanError, match=f"is damaged .{says}"):
        plan.progress()


def test_a_request_that_is_no_json_is_named(plan_path):
    changed(plan_path, "UPDATE items SET request = '{'")
    with FetchPlan(plan_path) as plan, pytest.raises(PlanError, match=r"is damaged .Expecting property name"):
        plan.entries()


@pytest.mark.parametrize("fraction", [0.02, 0.2, 0.5, 0.8, 0.99])
def test_a_plan_that_was_cut_is_named(plan_path, fraction):
    content = plan_path.read_bytes()
    plan_path.write_bytes(content[: int(len(content) * fraction)])
    with pytest.raises(PlanError, match=r"is damaged|is not a plan file"), FetchPlan(plan_path) as plan:
        plan.entries()


def test_a_plan_with_damaged_pages_is_named(plan_path):
    content = bytearray(plan_path.read_bytes())
    content[8192:] = bytes(len(content) - 8192)
    plan_path.write_bytes(content)
    with pytest.raises(PlanError, match="is damaged"), FetchPlan(plan_path) as plan:
        plan.entries()


def test_a_full_disk_is_an_error_of_the_system_and_loses_nothing(plan_path):
    with FetchPlan(plan_path) as plan:
        plan._connection.execute("PRAGMA max_page_count = 40")
        more = [Item("spectra", f"b{number}", {"text": "x" * 500}, "x", 7) for number in range(2000)]
        with pytest.raises(OSError, match="No space left") as caught:
            plan.add(more)
        assert caught.value.errno == errno.ENOSPC
        assert len(plan.entries()) == 300
        plan.add([Item("spectra", "last", {}, "last.fits")])
    with FetchPlan(plan_path) as plan:
        assert len(plan.entries()) == 301


def test_a_folder_in_the_place_of_a_plan_is_named(tmp_path):
    (tmp_path / "x.plan").mkdir()
    with pytest.raises(PlanError, match=r"x\.plan cannot be opened"):
        FetchPlan(tmp_path / "x.plan")


def test_a_protected_folder_is_an_error_of_the_system(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda _path, _mode: False)
    for code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        error = sqlite3.OperationalError("x")
        error.sqlite_errorcode = code
        found = named_error(error, tmp_path / "a.plan")
        assert isinstance(found, OSError)
        assert found.errno in (errno.EACCES, errno.EROFS)


def test_a_plan_survives_a_name_with_spaces_and_signs(plan_path, tmp_path, capsys):
    folder = tmp_path / "a b 'c' ünï\nline"
    folder.mkdir()
    moved = folder / "spectra.plan"
    shutil.move(plan_path, moved)
    assert fetch("--plan", moved) == 2  # its table of obsids is not there
    assert "none.csv does not exist" in capsys.readouterr().err


def test_a_path_that_is_no_text_is_refused_with_its_option(tmp_path, capsys):
    wrong = os.fsdecode(os.fsencode(tmp_path / "ids") + b"\xff")
    for option in ("--ids", "--into", "--profile"):
        assert fetch("spectra", option, wrong) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"error: {option} is ")
        assert "are not UTF-8" in error


def test_the_command_that_continues_is_quoted_for_the_shell(tmp_path, capsys):
    folder = tmp_path / "a 'b' ü"
    profile = write_profile(tmp_path / "profile.toml", "http://127.0.0.1:1", attempts=1)
    ids = write_ids(tmp_path / "ids.csv", [1001])
    assert fetch("spectra", "--ids", ids, "--into", folder, "--profile", profile) == 1
    command = capsys.readouterr().err.splitlines()[-1].partition("by: ")[2]
    assert shlex.split(command)[-1] == str(folder / "spectra.plan")
