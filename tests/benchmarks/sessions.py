"""Memory of the server: a session while it is open, and what is left when visitors have come and gone.

Every visitor is a browser's page that brushes, looks at a star and enters every room. Memory is what the server's
process has written for itself (``Private_Dirty`` of ``/proc/PID/smaps_rollup``, Linux): pages of files that it only
reads, code and mapped columns, are the system's to drop at any time, and are told apart.
Also how long everybody waits while the garbage of one closed page is collected.
"""

import argparse
import asyncio
import gc
import json
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from bokeh.document import Document
from driver import LAUNCH_ARGUMENTS, Server, find_chromium
from playwright.async_api import async_playwright
from products_factory import make_products

from explorer.app import build_page, warm_up
from explorer.model.library import open_library
from explorer.model.links import LinkStore
from explorer.model.memory import set_aside
from tests.benchmarks.brush import BOX, visit

WARM = 12
TOGETHER = 4
FORGOTTEN_S = 60
"""Longer than the server keeps a session whose page is gone, and what it left."""


def main(arguments):
    """Print one JSON line a measurement."""
    parser = argparse.ArgumentParser(prog="sessions")
    parser.add_argument("products", type=Path, nargs="?", help="product directory")
    parser.add_argument("--open", type=int, default=20, help="sessions open at once")
    parser.add_argument("--visits", type=int, default=200, help="visitors who come and go")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        directory = options.products or make_products(Path(folder) / "invented", 43_000, n_spectra=200)
        collect_pages(directory, Path(folder) / "links.sqlite")
        asyncio.run(measure(directory, options))


def collect_pages(directory, links):
    """Time of one collection after a page, ms, as Python does it and with what was there before set aside."""
    library = open_library(directory)
    warm_up(library)
    found = {}
    for way in ("ms_as_python_does", "ms"):
        times = []
        for _ in range(5):
            build_page(library, LinkStore(links)).server_doc(Document())
            begun = time.perf_counter()
            gc.collect()
            times.append(1e3 * (time.perf_counter() - begun))
        found[way] = round(float(np.median(times)), 1)
        set_aside()
    ratio = round(found["ms_as_python_does"] / found["ms"], 1)
    tell({"measured": "collection after a page", **found, "times_faster": ratio})


async def measure(directory, options):
    """Warm up, hold sessions open, then let visitors come and go."""
    server = Server(str(directory))
    try:
        tell({"measured": "idle", "mb": private_mb(server), "files_mb": private_mb(server, "Clean")})
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=find_chromium(), args=list(LAUNCH_ARGUMENTS))
            await come_and_go(browser, server, WARM)
            await asyncio.sleep(FORGOTTEN_S)
            start = private_mb(server)
            tell({"measured": "after the first visitors", "visits": WARM, "mb": start})

            pages = [await stay(browser, server) for _ in range(options.open)]
            held = private_mb(server)
            a_session = (held - start) / options.open
            tell({"measured": "open sessions", "open": options.open, "mb": held, "mb_a_session": round(a_session, 2)})
            for page in pages:
                await page.context.close()

            begun = time.monotonic()
            await come_and_go(browser, server, options.visits)
            await asyncio.sleep(FORGOTTEN_S)
            end = private_mb(server)
            growth = {"mb": end, "percent_of_start": round(100 * end / start, 1)}
            growth["files_mb"] = private_mb(server, "Clean")
            took = round(time.monotonic() - begun)
            tell({"measured": "after all visitors", "visits": options.visits, "seconds": took} | growth)
            await browser.close()
        first = next((at for at, line in enumerate(server.lines) if line in server.complaints()), len(server.lines))
        tell({"measured": "log", "complaints": server.complaints(), "from_the_first": server.lines[first : first + 40]})
    finally:
        server.stop()


async def come_and_go(browser, server, visits):
    """So many visitors, a few at once."""
    gate = asyncio.Semaphore(TOGETHER)

    async def one():
        async with gate:
            page = await stay(browser, server)
            await page.context.close()

    await asyncio.gather(*(one() for _ in range(visits)))


async def stay(browser, server):
    """A page whose visitor did what visitors do."""
    page, _ = await visit(browser, server)
    await drag_a_box(page)
    await page.locator(".table tbody tr").nth(np.random.default_rng().integers(5)).click()
    for room in ("Vet", "Adjudicate", "Campaigns", "Validate", "About", "Explore"):
        await page.get_by_role("tab", name=room).click()
        await page.wait_for_timeout(150)
    return page


async def drag_a_box(page):
    """Select some stars; with many pages at once a browser may lose a gesture."""
    counted, before = page.locator(".count"), await page.locator(".count").inner_text()
    for _ in range(4):
        frame = await page.evaluate(BOX)
        x, y = np.random.default_rng().uniform(0.15, 0.4, 2)
        await page.mouse.move(frame["x"] + x * frame["width"], frame["y"] + y * frame["height"])
        await page.mouse.down()
        await page.mouse.move(frame["x"] + 0.8 * frame["width"], frame["y"] + 0.8 * frame["height"], steps=4)
        await page.mouse.up()
        await page.wait_for_timeout(1500)
        if await counted.inner_text() != before:
            return
    raise RuntimeError("A page did not answer four gestures.")


def private_mb(server, kind="Dirty"):
    """Megabytes that the server has for itself."""
    told = Path(f"/proc/{server.process.pid}/smaps_rollup").read_text("ascii")
    return round(int(re.search(rf"^Private_{kind}:\s+(\d+) kB", told, re.MULTILINE).group(1)) / 1024, 1)


def tell(measured):
    """One JSON line."""
    sys.stdout.write(json.dumps({"benchmark": "sessions", **measured}) + "\n")
    sys.stdout.flush()
