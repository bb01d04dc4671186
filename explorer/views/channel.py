"""The one wire between the Explore page and the server: each gesture is one message, and so is its answer."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from hashlib import sha256
from importlib.resources import files
from typing import Any, TypeAlias, TypeVar

import panel as pn
from bokeh.document import Document
from panel.custom import JSComponent

from explorer.model.selection import SelectionError
from explorer.model.work import Queue, StoppedError
from pipeline.products.manifest import ProductError

_SCRIPTS = (
    *("dom", "connection", "figure", "plane", "bars", "stage", "toolbar", "table", "side", "dialogs", "keys"),
    *("chart", "spectrum", "refit", "evidence", "star", "main"),
)
_LOG = logging.getLogger(__name__)
Message: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Message], Any]
Result = TypeVar("Result")


def asset(folder: str, name: str) -> str:
    """The text of a file of ``assets``."""
    return (files("assets") / folder / name).read_text(encoding="utf-8")


class Channel(JSComponent):
    """Carries messages; the views on both sides know what they mean.

    What is told while a message is handled goes out together when it is done.
    """

    _esm = "\n".join(asset("js", f"{name}.js") for name in _SCRIPTS)
    _stylesheets = [asset("css", "explore.css"), asset("css", "star.css")]  # noqa: RUF012 - so Panel wants it

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._handlers: dict[str, Handler] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._outgoing: Message = {}
        self._last: list[Callable[[], None]] = []
        self._depth = 0

    def _get_properties(self, doc: Document | None) -> dict[str, Any]:
        """Panel's, with the scripts as a ready bundle: else each browser compiles them as TypeScript first."""
        return super()._get_properties(doc) | {"bundle": sha256(self._esm.encode()).hexdigest()}

    def on(self, kind: str, handler: Handler) -> None:
        """Handle messages of a kind; what a handler returns is awaited where it can be, and else forgotten."""
        self._handlers[kind] = handler

    def before_sending(self, last: Callable[[], None]) -> None:
        """Call ``last`` when a message is complete but for what it tells: work that is due once, whatever asked."""
        self._last.append(last)

    def tell(self, **parts: Any) -> None:
        """Send parts of an answer, now or with the others; a part that is told twice is told as it was last."""
        self._outgoing |= parts
        self.stir()

    def telling(self, part: str) -> Message:
        """What is already told of a part, for one that is put together by several."""
        return dict(self._outgoing.get(part, {}))

    def stir(self) -> None:
        """Send what is due, unless a message is being handled: it goes out with that one's answer."""
        if not self._depth:
            with self.together():
                pass

    @contextmanager
    def together(self) -> Iterator[None]:
        """Everything that is told inside is one message."""
        self._depth += 1
        try:
            yield
            if self._depth == 1:
                for last in self._last:
                    last()
        finally:
            self._depth -= 1
            if not self._depth and self._outgoing:
                parts, self._outgoing = self._outgoing, {}
                self.deliver(parts)

    def deliver(self, parts: Message) -> None:
        """Hand a message to the browser."""
        self._send_msg(parts)

    def _handle_msg(self, data: Any) -> None:
        """Hand a message to its view; what the visitor did wrong is told in a sentence."""
        kind = data.get("kind") if isinstance(data, dict) else None
        handler = self._handlers.get(kind) if isinstance(kind, str) else None
        if handler is None:
            _LOG.warning("A page sent a message that nobody expects: %.200r", data)
            return
        with self.together(), self._mishaps(data):
            check_finite(data)
            answer = handler(data)
            if inspect.isawaitable(answer):
                task = asyncio.get_running_loop().create_task(self._later(answer, data))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _later(self, answer: Awaitable[None], data: Message) -> None:
        with self._mishaps(data):
            await answer

    @contextmanager
    def _mishaps(self, data: Message) -> Iterator[None]:
        try:
            yield
        except (SelectionError, ProductError) as error:
            self.tell(say=str(error))
        except StoppedError:  # nobody waits for it any more
            pass
        except (KeyError, TypeError, ValueError, IndexError, OverflowError, RecursionError) as error:
            log_mishap(_LOG, data, error)

    async def in_background(self, work: Callable[[], Result], queue: Queue) -> Result:
        """Run something slow beside the page, so that nobody waits for it.

        Raises
        ------
        BusyError
            If this page has too much waiting in the queue.
        """
        return await asyncio.wrap_future(submitted(work, queue, self))


def check_finite(value: Any) -> None:
    """Refuse a message that holds infinity or what is no number, wherever: no page sends such a one on purpose.

    Raises
    ------
    ValueError
        If it does.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"a number is {value}")
    elif isinstance(value, dict):
        for one in value.values():
            check_finite(one)
    elif isinstance(value, list | tuple):
        for one in value:
            check_finite(one)


def log_mishap(log: logging.Logger, data: Message, error: Exception) -> None:
    """Log a message that could not be handled in one line; where it happened is shown at the level of debugging."""
    found, shown = f"{type(error).__name__}: {error}", log.isEnabledFor(logging.DEBUG)
    log.warning("A message could not be handled (%.200s): %.200r", found, data, exc_info=shown)


def submitted(work: Callable[[], Result], queue: Queue, instead: object) -> Future[Result]:
    """Queue work in the name of the page that is served now; in that of ``instead`` where there is none."""
    document = pn.state.curdoc
    session = None if document is None else document.session_context
    return queue.submit(instead if session is None else session.id, work)
