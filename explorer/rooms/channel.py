"""The message channel between page and server: each gesture is one message, and so is its answer."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Hashable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, TypeAlias, TypeVar, Unpack

import panel as pn
from bokeh.document import Document
from panel.custom import JSComponent

from explorer.model.selection import SelectionError
from explorer.model.work import Queue, StoppedError
from explorer.protocol import Connect, Request, SomeRequest, Update, checked, decode, encoded, kind_of
from explorer.protocol.encoding import SomePart
from explorer.rooms.scripts import page_script, script_properties
from explorer.vetting.people import Role
from pipeline.products.manifest import ProductError

_LOG = logging.getLogger(__name__)
Message: TypeAlias = dict[str, Any]
Result = TypeVar("Result")

NOT_UNDERSTOOD = "This request could not be read, and nothing was changed. Reload the page if this happens again."

NOT_HERE = "This is not available on this page."


def _for_viewers(request: Request) -> str:
    """Why a request is refused on a page that does not know the roles of its visitors."""
    return "" if request.role <= Role.VIEWER else NOT_HERE


def asset(folder: str, name: str) -> str:
    """The text of a file of ``assets``."""
    return (files("assets") / folder / name).read_text(encoding="utf-8")


class Channel(JSComponent):
    """Carries messages between the scripts of a page and the parts of a room.

    Fields that are queued while a request is handled are sent together at its end.
    """

    _esm = page_script("explore/main.js")
    _stylesheets = [asset("css", "explore.css"), asset("css", "star.css"), asset("css", "layout.css")]  # noqa: RUF012 - so Panel wants it

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)  # type: ignore[no-untyped-call]
        self._handlers: dict[type[Request], Callable[[Any], Any]] = {}
        self.permit: Callable[[Request], str] = _for_viewers
        self._tasks: set[asyncio.Task[None]] = set()
        self._outgoing: dict[str, object] = {}
        self._last: list[Callable[[], None]] = []
        self._depth = 0

    def _get_properties(self, doc: Document | None) -> dict[str, Any]:
        """Properties of Panel's model, with the script by address."""
        return super()._get_properties(doc) | script_properties(self._esm)

    def on(self, request: type[SomeRequest], handler: Callable[[SomeRequest], Any]) -> None:
        """Handle requests of a type; a coroutine that a handler returns is run on the event loop."""
        self._handlers[request] = handler

    def before_sending(self, last: Callable[[], None]) -> None:
        """Call ``last`` once before a message is sent, for work that several requests share."""
        self._last.append(last)

    def send(self, **fields: Unpack[Update]) -> None:
        """Queue fields of a message; a later value for the same field replaces the earlier one.

        Raises
        ------
        UndeclaredPartError
            If no page takes a field of such a name, or the field is declared with another type.
        """
        checked(fields)
        self._outgoing |= fields
        self.flush()

    def queued(self, name: str, kind: type[SomePart]) -> SomePart | None:
        """The value of a field that is queued already, for one that is put together by several."""
        value = self._outgoing.get(name)
        return value if isinstance(value, kind) else None

    def flush(self) -> None:
        """Send the queued fields, unless a request is being handled; its answer includes them."""
        if not self._depth:
            with self.batch():
                pass

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Send all fields that are queued inside the block as one message."""
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
                self.deliver(encoded(parts))

    def deliver(self, parts: Message) -> None:
        """Pass a message to the browser."""
        self._send_msg(parts)

    def _handle_msg(self, data: Any) -> None:
        """Decode a request, check its role and run its handler; all refusals happen here."""
        with self.batch():
            try:
                request = decode(data)
            except ValueError as error:
                _LOG.warning("Refused: %.300s", ascii(str(error)))
                kind = data.get("kind") if isinstance(data, dict) else None
                self.refuse(NOT_UNDERSTOOD, kind if isinstance(kind, str) else "")
                return
            kind, handler = kind_of(type(request).__name__), self._handlers.get(type(request))
            if handler is None:
                _LOG.warning("Refused: %r is not handled on this page", kind)
                self.refuse(NOT_HERE, kind)
            elif refusal := self.permit(request):
                level = logging.INFO if isinstance(request, Connect) else logging.WARNING  # every page sends that one
                _LOG.log(level, "Refused: %r: %s", kind, ascii(refusal))
                self.refuse(refusal, kind)
            else:
                self._run(handler, request, kind)

    def _run(self, handler: Callable[[Any], Any], request: Request, kind: str) -> None:
        with self._mishaps(kind):
            answer = handler(request)
            if inspect.isawaitable(answer):
                task = asyncio.get_running_loop().create_task(self._later(answer, kind))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def refuse(self, sentence: str, kind: str) -> None:
        """Answer a refused request with a sentence."""
        self.send(message=sentence, refused=kind[:40])

    async def _later(self, answer: Awaitable[None], kind: str) -> None:
        with self._mishaps(kind):
            await answer

    @contextmanager
    def _mishaps(self, kind: str) -> Iterator[None]:
        """Answer the errors of a handler for a kind of request."""
        try:
            yield
        except (SelectionError, ProductError) as error:
            self.send(message=str(error))
        except StoppedError:  # the page was closed
            pass
        except (KeyError, TypeError, ValueError, IndexError, OverflowError, RecursionError) as error:
            log_mishap(_LOG, kind, error)
            self.refuse(NOT_UNDERSTOOD, kind)

    async def in_background(self, work: Callable[[], Result], queue: Queue) -> Result:
        """Run slow work in a thread, so that the server keeps responding.

        Raises
        ------
        BusyError
            If this page has too much waiting in the queue.
        """
        return await asyncio.wrap_future(submitted(work, queue, self))

    def drop_background(self, queue: Queue) -> None:
        """Drop this page's waiting work of a queue, and ask the running one to end."""
        queue.drop(_owner(self))


def log_mishap(log: logging.Logger, kind: str, error: Exception) -> None:
    """Log a failed request in one line; the traceback is logged at debug level."""
    reason, shown = f"{type(error).__name__}: {error}", log.isEnabledFor(logging.DEBUG)
    log.warning("A message could not be handled (%.200s): %.40s", reason, kind, exc_info=shown)


def submitted(work: Callable[[], Result], queue: Queue, instead: object) -> Future[Result]:
    """Queue work for the current page, or for ``instead`` if there is none."""
    return queue.submit(_owner(instead), work)


def _owner(instead: object) -> Hashable:
    """The current page as an owner of work, or ``instead`` if there is none."""
    document = pn.state.curdoc
    session = None if document is None else document.session_context
    return instead if session is None else session.id
