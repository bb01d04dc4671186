"""Log format: time, level, logger, visitor and page on one line; repetitions are counted."""

from __future__ import annotations

import atexit
import logging
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from threading import Lock

from explorer.audit import ACTOR

MAX_FILE_BYTES, KEPT_FILES = 10_000_000, 5
MAX_REPEATS, WITHIN_S = 5, 60.0
"""More records of one kind, of one page within this time, are counted and summarised."""

MAX_KINDS = 1000
MAX_CHARACTERS = 2000
"""Maximum length of a record's text, which may quote a message."""

_OWN, _OTHERS = "explorer", ("bokeh", "panel", "param", "tornado", "alembic", "matplotlib")


def configure_logs(file: Path = Path()) -> Repeats:
    """Write log records to standard error, or to a rotated file.

    Parameters
    ----------
    file : Path
        The file; empty for standard error.

    Returns
    -------
    Repeats
        To be summarised now and then.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if file != Path():
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(file, maxBytes=MAX_FILE_BYTES, backupCount=KEPT_FILES, encoding="utf-8")
    handler.setFormatter(LineFormatter())
    repeats = Repeats(handler.handle)
    handler.addFilter(repeats)
    atexit.register(repeats.summarise)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger(_OWN).setLevel(logging.INFO)
    for name in _OTHERS:  # Bokeh and Panel have handlers of their own, and param makes one where it finds none
        library = logging.getLogger(name)
        library.setLevel(logging.WARNING)
        library.handlers, library.propagate = [handler], False
    logging.getLogger("tornado.access").setLevel(logging.ERROR)  # what is refused has lines of its own
    return repeats


class LineFormatter(logging.Formatter):
    """Formatter of ``TIME LEVEL LOGGER [VISITOR PAGE] MESSAGE`` with escaped control characters.

    An exception becomes its name, text and place where a warning speaks of it; an error keeps its traceback, in lines
    that begin with ``  |``, so that no text of a visitor begins a line.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        actor = ACTOR.get()
        who = f"[{printable(actor.name) or '-'} {printable(actor.session) or '-'}]"
        line = f"{seconds}.{int(record.msecs):03d}Z {record.levelname} {record.name} {who} "
        line += printable(record.getMessage()[:MAX_CHARACTERS])
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            if record.levelno < logging.ERROR:
                return f"{line} ({printable(summary_of(error))})"
            lines = "".join(traceback.format_exception(error)).splitlines()
            line = "\n".join([line, *(f"  | {printable(item[:MAX_CHARACTERS])}" for item in lines)])
        return line


def printable(text: str) -> str:
    """Text with control characters escaped."""
    return "".join(item if item.isprintable() else item.encode("unicode_escape").decode() for item in text)


def summary_of(error: BaseException) -> str:
    """An exception on one line: name, text, and innermost line of this program."""
    text = f"{type(error).__name__}: {error!s:.200}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [item for item in frames if "site-packages" not in item.filename] or list(frames)
    return f"{text}, {Path(own[-1].filename).name}:{own[-1].lineno}" if own else text


@dataclass
class _Kind:
    since: float
    record: logging.LogRecord
    count: int = 1


class Repeats(logging.Filter):
    """Filter that limits similar records within a minute, and logs the number of dropped ones.

    Parameters
    ----------
    write : callable
        Writes a summary.
    clock : callable
        Gives seconds that never run backwards; tests set it.
    """

    def __init__(
        self, write: Callable[[logging.LogRecord], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._write, self._clock = write, clock
        self._kinds: dict[object, _Kind] = {}
        self._lock = Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is written."""
        if record.levelno < logging.WARNING or getattr(record, "is_summary", False):
            return True
        self.summarise(WITHIN_S)
        error = record.exc_info[1] if record.exc_info else None
        key = (record.name, record.msg, type(error), ACTOR.get().session)
        with self._lock:
            kind = self._kinds.get(key)
            if kind is None:
                if len(self._kinds) < MAX_KINDS:
                    self._kinds[key] = _Kind(self._clock(), record)
                return True
            kind.count += 1
            return kind.count <= MAX_REPEATS

    def summarise(self, older_s: float = 0.0) -> None:
        """Log the numbers of dropped records of expired kinds, and reset their counts."""
        now = self._clock()
        with self._lock:
            done = {key: kind for key, kind in self._kinds.items() if now - kind.since >= older_s}
            self._kinds = {key: kind for key, kind in self._kinds.items() if key not in done}
        for kind in done.values():
            if kind.count > MAX_REPEATS:
                self._write(_summary(kind))


def _summary(kind: _Kind) -> logging.LogRecord:
    first = kind.record
    left_out = kind.count - MAX_REPEATS
    return logging.makeLogRecord(
        {
            "name": first.name,
            "levelno": first.levelno,
            "levelname": first.levelname,
            "msg": "%s more similar records: %s",
            "args": (left_out, f"{first.getMessage():.200}"),
            "is_summary": True,
        }
    )
