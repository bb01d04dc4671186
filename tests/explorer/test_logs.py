"""The log: one line a record, with user and page, escaped, repetitions counted."""

import logging

import pytest

from explorer.audit import ACTOR, Actor, audit
from explorer.logs import MAX_REPEATS, WITHIN_S, LineFormatter, Repeats


@pytest.fixture
def logged(tmp_path, configure_logs):
    """Configures the logs as the server does, and reads what was written."""
    repeats = configure_logs(tmp_path / "logs" / "explorer.log")

    def read():
        repeats.summarise()
        return (tmp_path / "logs" / "explorer.log").read_text("utf-8").splitlines()

    return read


def fail(error):
    raise error


def test_an_act_is_a_line_with_time_level_visitor_and_page(logged):
    token = ACTOR.set(Actor("ann", "a1b2c3"))
    audit("export", file="stars.csv", bytes=120)
    ACTOR.reset(token)
    audit("sign-out", user='x" user="bob')
    one, other = logged()
    assert one.endswith('Z INFO explorer.audit [ann a1b2c3] export file="stars.csv" bytes=120')
    assert one[:4].isdigit()
    assert other.endswith('[- -] sign-out user="x\\" user=\\"bob"')


@pytest.mark.parametrize(
    "hostile",
    ["a\n2026-01-01 INFO [eve x] freeze", "a\r\nb", "\x1b[31mred", "a\u2028b", "\u202eevil", "a\x00b", "a\x85b"],
)
def test_no_text_begins_a_line_or_speaks_to_the_terminal(logged, hostile):
    ACTOR.set(Actor(hostile, hostile))
    audit("export", file=hostile)
    logging.getLogger("explorer.x").warning("A message: %s", hostile)
    try:
        fail(ValueError(hostile))
    except ValueError:
        logging.getLogger("explorer.x").warning("Warned", exc_info=True)
        logging.getLogger("explorer.x").exception("Failed")
    ACTOR.set(Actor())
    lines = logged()
    assert all(line.isprintable() for line in lines)
    assert all(line.startswith(("2", "  | ")) for line in lines)
    assert sum(line.startswith("2") for line in lines) == 4
    assert sum("Traceback" in line for line in lines) == 1, "a warning has no traceback"
    assert any("Warned (ValueError: a" in line or "Warned (ValueError: " in line for line in lines)
    assert any("test_logs.py:" in line for line in lines)


def test_repetitions_are_counted_a_page(logged):
    log = logging.getLogger("explorer.rooms.channel")
    for page in ("one", "two"):
        token = ACTOR.set(Actor("vic", page))
        for number in range(1000):
            try:
                fail(KeyError(number))
            except KeyError:
                log.warning("A message could not be handled: %.200r", {"n": number}, exc_info=True)
        ACTOR.reset(token)
    lines = logged()
    assert len(lines) == 2 * (MAX_REPEATS + 1)
    assert (
        sum(f"{1000 - MAX_REPEATS} more similar records: A message could not be handled" in one for one in lines) == 2
    )
    assert sum(map(len, lines)) < 4000


def test_libraries_write_no_lines_of_their_own(logged, capfd):
    import param
    from panel.io.logging import panel_logger

    logging.getLogger("bokeh.server.views.ws").error("Refusing websocket connection")
    panel_logger.warning("A warning of Panel")
    param.main.param.warning("A warning of param")
    lines = logged()
    assert len(lines) == 3
    assert all("[- -]" in line for line in lines)
    assert "".join(capfd.readouterr()) == ""


def test_a_message_of_megabytes_is_clipped(logged):
    logging.getLogger("bokeh.server").error("Unhandled exception receiving a message: %r", "x" * 10_000_000)
    (line,) = logged()
    assert len(line) < 2200


def test_a_kind_is_written_again_after_its_minute():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    written = []
    clock = Clock()
    repeats = Repeats(written.append, clock)
    record = logging.makeLogRecord({"levelno": logging.WARNING, "msg": "again", "name": "x"})
    passed = [repeats.filter(record) for _ in range(MAX_REPEATS + 3)]
    assert passed == [True] * MAX_REPEATS + [False] * 3
    clock.now += WITHIN_S
    assert repeats.filter(record)
    assert [one.getMessage() for one in written] == ["3 more similar records: again"]
    assert LineFormatter().format(written[0])


def test_the_file_is_rotated(logged, tmp_path, monkeypatch):
    handler = logging.getLogger().handlers[0]
    monkeypatch.setattr(handler, "maxBytes", 2000)
    for number in range(300):
        audit("export", number=number)
    logged()
    files = sorted(one.name for one in (tmp_path / "logs").iterdir())
    assert files == ["explorer.log", *(f"explorer.log.{number}" for number in range(1, 6))]
    assert all(one.stat().st_size <= 2000 for one in (tmp_path / "logs").iterdir())
