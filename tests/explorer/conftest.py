"""Fixtures of the explorer's tests: products, and a page without a browser."""

import asyncio
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import msgspec
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "reference"))

from comparison_factory import make_compared
from opening_factory import Openings, make_both, write_stars
from own_factory import make_foreign_products, make_own_products
from products_factory import make_products
from star_factory import make_star_products
from vetting_helpers import make_commands

from explorer import logs, protocol
from explorer.charts.grid import default_panels
from explorer.model.library import Library, open_library
from explorer.model.links import LinkStore
from explorer.rooms.explore import ExploreRoom
from explorer.state.workspace import Workspace
from explorer.vetting.store import Store


@pytest.fixture(autouse=True)
def declared_messages(monkeypatch):
    """A law: whatever any test makes the server send is what ``Update`` declares, down to the leaves."""

    def declared(parts):
        message = protocol.encoded(parts)
        msgspec.convert(message, protocol.Update, dec_hook=array_of)
        return listed(message)

    monkeypatch.setattr("explorer.rooms.channel.encoded", declared)


def listed(value):
    """What a message holds once it has arrived: lists, no tuples."""
    if isinstance(value, dict):
        return {name: listed(item) for name, item in value.items()}
    return [listed(item) for item in value] if isinstance(value, list | tuple) else value


def array_of(kind, value):
    """An array is sent as one, with the declared type of its values."""
    _, dtype = get_args(kind)
    if not isinstance(value, np.ndarray) or value.dtype != get_args(dtype)[0]:
        raise TypeError(f"{kind} is declared, and {getattr(value, 'dtype', type(value))} is sent")
    return value


@pytest.fixture(autouse=True)
def own_health(monkeypatch):
    """What one test's products report stays with that test."""
    monkeypatch.setattr("explorer.model.health._PARTS", {})


@pytest.fixture(scope="session")
def product_directory(tmp_path_factory) -> Path:
    return make_products(tmp_path_factory.mktemp("products") / "invented", n_stars=400)


@pytest.fixture(scope="session")
def library(product_directory) -> Library:
    return open_library(product_directory)


@pytest.fixture(scope="session")
def star_library(tmp_path_factory) -> Library:
    """Products with a label model."""
    return open_library(make_star_products(tmp_path_factory.mktemp("stars") / "invented"))


@pytest.fixture(scope="session")
def own_library(tmp_path_factory) -> Library:
    """Products with columns of the user's own."""
    return open_library(make_own_products(tmp_path_factory.mktemp("own") / "invented"))


@pytest.fixture(scope="session")
def foreign_library(tmp_path_factory) -> Library:
    """Positions and columns of the user's own, and nothing else."""
    return open_library(make_foreign_products(tmp_path_factory.mktemp("foreign") / "invented"))


@pytest.fixture(scope="session")
def compared(library) -> Library:
    """A catalogue with other values of its stars."""
    return make_compared(library)


@pytest.fixture
def commands(tmp_path, library):
    """A record of its own in a file."""
    store = Store.open(tmp_path / "vetting.sqlite")
    yield make_commands(store, library)
    store.close()


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """A quick and a whole product of the same stars."""
    return make_both(tmp_path_factory.mktemp("made"))


@pytest.fixture
def stars(tmp_path) -> Path:
    """A table of stars."""
    return write_stars(tmp_path / "stars.csv")


@pytest.fixture
def open_files(tmp_path, made, monkeypatch):
    """Opens files with a fake command."""
    monkeypatch.setenv("FAKE_PRODUCTS", str(made))
    openings = Openings(tmp_path / "opened")
    yield openings
    openings.close()


@pytest.fixture
def make_page():
    return Page


@pytest.fixture
def table(library):
    return library.table


class Page:
    """Stand-in for the browser: sends messages and stores the answers."""

    def __init__(
        self, library: Library, links: LinkStore, workspace: Workspace, record=None, sky=None, *, continues=True
    ) -> None:
        self.library, self.links, self.workspace = library, links, workspace
        self.room = ExploreRoom(
            workspace, library, links, record=record, sky=sky, continues=continues, by_link=not continues
        )
        self.sent: list[dict] = []
        self.room.channel.deliver = self.sent.append

    def send(self, kind, **message) -> dict:
        """Send a message; returns the one answer, {} when there is none."""
        before = len(self.sent)
        self.room.channel._handle_msg({"kind": kind, **message})
        assert len(self.sent) - before <= 1, "one message a gesture"
        return self.sent[-1] if len(self.sent) > before else {}

    def run(self, kind, **message) -> None:
        """Send a message and wait for what it does in the background."""

        async def everything() -> None:
            self.room.channel._handle_msg({"kind": kind, **message})
            while self.room.channel._tasks:
                await asyncio.gather(*self.room.channel._tasks)

        with ThreadPoolExecutor(1) as pool:  # Playwright's own loop runs in this thread
            pool.submit(lambda: asyncio.run(everything())).result()

    def ask(self, kind, **message) -> dict:
        """Send a message and wait for its work in the background; returns all fields sent meanwhile."""
        before = len(self.sent)
        self.run(kind, **message)
        answer: dict = {}
        for one in self.sent[before:]:
            answer |= one
        return answer

    def change(self, **state) -> dict:
        """Change the workspace from elsewhere; returns the message to the page."""
        with self.room.channel.batch():
            self.workspace.param.update(**state)
        return self.sent[-1]

    def open(self, width=240, height=160) -> dict:
        """Connect, and look at every view from its start."""
        self.send("connect", seen=True)
        return self.look(range(len(self.room.stage.charts)), width, height)

    def look(self, slots, width=240, height=160, window=None) -> dict:
        views = []
        for slot in slots:
            spec = self.room.stage.charts[slot].spec()
            if isinstance(spec, protocol.MissingSpec):
                continue
            if isinstance(spec, protocol.CornerSpec):
                ends = [0, len(spec.x), 0, len(spec.x)]
                views.append({"slot": slot, "window": ends, "width": width, "height": height})
                continue
            ends = window or [*spec.x.ends, *(spec.y.ends if isinstance(spec, protocol.PlaneSpec) else (0, 1))]
            views.append({"slot": slot, "window": ends, "width": width, "height": height})
        return self.send("look", views=views)

    @staticmethod
    def layers(answer, name):
        return {layer["slot"]: layer for layer in answer.get("layers", []) if layer["name"] == name}

    @staticmethod
    def pixels(answer, layer):
        from slow_shading import unpack

        return unpack(answer["pixels"][layer["from"] : layer["to"]], layer["shape"])


@pytest.fixture
def links(tmp_path) -> LinkStore:
    return LinkStore(tmp_path / "links.sqlite")


@pytest.fixture
def page(library, links) -> Page:
    return Page(library, links, Workspace(library.table, panels=default_panels(library, 6)))


@pytest.fixture
def configure_logs(monkeypatch):
    """Configures the logs as the server does, for a test; afterwards everything is as it was."""
    monkeypatch.setattr(logs, "atexit", SimpleNamespace(register=lambda _: None))
    root = logging.getLogger()
    loggers = [logging.getLogger(name) for name in (*logs._OTHERS, "explorer", "tornado.access")]
    before = root.handlers[:], root.level, [(one, one.level, one.propagate, one.handlers[:]) for one in loggers]
    for handler in before[0]:
        root.removeHandler(handler)
    yield logs.configure_logs
    for handler in root.handlers[:]:
        root.removeHandler(handler)
        handler.close()
    for handler in before[0]:
        root.addHandler(handler)
    root.setLevel(before[1])
    for one, level, propagate, handlers in before[2]:
        one.setLevel(level)
        one.propagate, one.handlers = propagate, handlers
