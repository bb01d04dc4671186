"""Queues of background work: turns, limits, cancellation; helper processes."""

import asyncio
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from explorer.charts.paper import paper_bytes
from explorer.model import work
from explorer.model.elsewhere import in_helper
from explorer.model.export import FORMS, export
from explorer.model.helper import Helpers
from explorer.model.library import open_library
from explorer.model.selection import Everything, SelectionError
from explorer.model.work import BusyError, Queue, StoppedError, check_stopped, current_job
from pipeline.products.manifest import Manifest

SAID = "At most {waiting} wait."


@pytest.fixture
def queue():
    return Queue("test", workers=1, running=1, waiting=3, refusal=SAID)


@pytest.fixture
def gate(queue):
    """Holds the only worker until it is opened."""
    gate = threading.Event()
    first = queue.submit("first", lambda: gate.wait(20))
    yield gate
    gate.set()
    first.result(20)


def test_visitors_take_turns(queue, gate):
    done = []
    jobs = [queue.submit("many", lambda number=number: done.append(("many", number))) for number in range(3)]
    jobs.append(queue.submit("one", lambda: done.append(("one", 0))))
    gate.set()
    for job in jobs:
        job.result(20)
    assert done == [("many", 0), ("one", 0), ("many", 1), ("many", 2)]


def test_too_much_of_one_page_is_refused_and_others_are_not(queue, gate):
    jobs = [queue.submit("many", int) for _ in range(3)]
    with pytest.raises(BusyError, match=r"At most 3 wait\."):
        queue.submit("many", int)
    jobs.append(queue.submit("one", int))
    gate.set()
    assert [job.result(20) for job in jobs] == [0] * 4
    assert queue.submit("many", int).result(20) == 0


def test_the_work_of_a_page_that_has_gone_is_dropped(queue):
    begun, parts = threading.Event(), []

    def long():
        begun.set()
        while len(parts) < 2000:
            check_stopped()
            parts.append(1)
            time.sleep(0.01)

    running = queue.submit("gone", long)
    waiting = queue.submit("gone", int)
    assert begun.wait(20)
    queue.drop("gone")
    assert waiting.cancelled()
    with pytest.raises(StoppedError):
        running.result(20)
    assert queue.submit("gone", int).result(20) == 0
    assert queue.counts("gone") == (0, 0)


def test_errors_are_of_who_asked(queue):
    with pytest.raises(ZeroDivisionError):
        queue.submit("a", lambda: 1 / 0).result(20)
    assert queue.submit("a", int).result(20) == 0


def test_one_page_has_its_share_of_the_workers():
    queue = Queue("share", workers=2, running=1, waiting=5, refusal=SAID)
    gate = threading.Event()
    held = [queue.submit("many", lambda: gate.wait(20)) for _ in range(3)]
    assert queue.submit("one", int).result(20) == 0
    assert queue.counts("many") == (1, 2)
    gate.set()
    assert all(one.result(20) for one in held)


def test_a_verdict_waits_for_nothing_else():
    gate = threading.Event()
    held = [queue.submit("p", lambda: gate.wait(20)) for queue in (work.EXPORTS, work.UPLOADS, work.REFITS, work.LINKS)]
    assert work.VERDICTS.submit("p", int).result(20) == 0
    work.drop_all("p")
    gate.set()
    assert held[3].result(20)  # what was given to be saved is saved


@pytest.fixture
def helpers():
    helpers = Helpers()
    yield helpers
    helpers.close()


def test_a_helper_works_answers_and_is_used_again(helpers):
    assert helpers.call(int, "7") == 7
    with pytest.raises(RuntimeError, match="ValueError in a helper"):
        helpers.call(int, "x")
    with pytest.raises(SelectionError, match="ended early"):
        helpers.call(exec, "import os; os._exit(1)")
    assert helpers.call(print, "no answer of its own") is None
    assert len(helpers._idle) == 1


def test_a_helper_ends_with_its_page(helpers, queue):
    job = queue.submit("gone", lambda: helpers.call(time.sleep, 600))
    end = time.monotonic() + 20
    while not (queue._active.get("gone") and queue._active["gone"][0].on_stop) and time.monotonic() < end:
        time.sleep(0.01)
    assert current_job() is None
    queue.drop("gone")
    with pytest.raises(StoppedError):
        job.result(20)


def test_tables_and_figures_of_a_helper_are_the_same(library, monkeypatch):
    rows = np.ones(library.table.n_stars, bool)
    here = {form: export(library, Everything(), rows, form) for form in ("csv", "fits")}
    monkeypatch.setattr("explorer.model.export.MAX_VALUES_HERE", 10)
    asked = []
    monkeypatch.setattr("explorer.model.export.in_helper", lambda *given: asked.append(1) or in_helper(*given))
    for form, made in here.items():
        again = export(library, Everything(), rows, form)
        assert again.name == made.name
        if form == "csv":
            assert again.data == made.data
    assert len(asked) == 1
    assert FORMS["votable"].slow
    assert paper_bytes(library, rows, "9", "A note.", "pdf").startswith(b"%PDF")


def test_products_that_were_built_again_are_not_mixed(library):
    other = Manifest("other", simulated=True, simulated_note="", configuration={}, inputs={}, choices={})
    changed = replace(library, products=replace(library.products, manifest=other))
    with pytest.raises(SelectionError, match="was rebuilt"):
        in_helper(_count, changed, np.ones(library.table.n_stars, bool))
    assert in_helper(_count, open_library(library.place[0]), np.ones(library.table.n_stars, bool)) == 400


def _count(_, rows):
    return int(rows.sum())


def test_refusals_are_shown_where_work_was_asked_for(page, monkeypatch):
    page.open()
    monkeypatch.setattr(work.EXPORTS, "waiting", 0)
    assert "being made" in page.ask("export", value="fits")["message"]
    monkeypatch.setattr(work.UPLOADS, "waiting", 0)
    assert "is being read" in page.ask("members", size=4, data="MTIz")["side"]["report"]


def test_a_page_that_closes_while_it_waits_leaves_no_error(page, caplog):
    page.open()
    gate = threading.Event()
    blocked = [work.EXPORTS.submit(name, lambda: gate.wait(20)) for name in ("a", "b")]

    async def ask_and_go():
        page.room.channel._handle_msg({"kind": "export", "value": "fits"})
        await asyncio.sleep(0.05)
        work.EXPORTS.drop(page.room.channel)
        await asyncio.gather(*page.room.channel._tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(ask_and_go()))
    thread.start()
    thread.join(20)
    gate.set()
    assert all(one.result(20) for one in blocked)
    assert caplog.records == []
