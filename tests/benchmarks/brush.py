"""From mouse-up to the last view painted, in a real browser; and the same gesture through ``hv.link_selections``.

The clock runs in the page: it starts at ``pointerup`` and stops two animation frames after the selected stars of all
six views were replaced, the disc map's texture among them. Give product directories of any size, or numbers of stars
(``--stars 43000 1000000 10000000``), which are invented; without either, 43,000 invented stars are drawn. To compare
with another commit, run it there with the same arguments.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from driver import LAUNCH_ARGUMENTS, Server, find_chromium
from playwright.async_api import async_playwright
from products_factory import make_products

from explorer.model.expression import parse
from explorer.model.library import open_library

ROOT = Path(__file__).parents[2]
REPEATS = 20
BASELINE_REPEATS = 5
PAUSE_MS = 350
SCREEN = {"width": 1920, "height": 1080}
EXPRESSION = "teff < {teff} & abs(z_gal) > {z} & (snr > 30 | not LOW_SNR) & between(m_h, -1, {m_h})"

_READY = """() => {
  const layered = (m) => m.type === 'Plot' && m.renderers.some(r => r.data_source.name === 'selected')
  const roots = (window.Bokeh?.documents ?? []).flatMap(d => d.roots()).filter(layered)
  const full = (r) => ['everything', 'stars', 'texture'].includes(r.data_source.name) && r.data_source.data.x.length
  return roots.length === 6 && roots.every(m => m.renderers.some(full))
}"""
_CLOCK = """() => {
  const layered = (m) => m.type === 'Plot' && m.renderers.some(r => r.data_source.name === 'selected')
  const figures = Bokeh.documents.flatMap(d => d.roots()).filter(layered)
  window.brushes = []
  let start = null, waiting = new Set()
  window.addEventListener('pointerup', () => { start = performance.now(); waiting = new Set(figures) }, true)
  for (const figure of figures) for (const {data_source} of figure.renderers) {
    if (!['selected', 'picked', 'texture'].includes(data_source.name)) continue
    data_source.properties.data.change.connect(() => {
      if (start === null || !waiting.delete(figure) || waiting.size) return
      const begun = start
      start = null
      requestAnimationFrame(() => requestAnimationFrame(() => window.brushes.push(performance.now() - begun)))
    })
  }
}"""
BOX = """() => {
  const figure = Bokeh.documents.flatMap(d => d.roots()).find(m => m.name === 'HR diagram')
  const view = Bokeh.index.find_one_by_id(figure.id)
  const outer = view.canvas_view.el.getBoundingClientRect(), {left, top, width, height} = view.frame.bbox
  return {x: outer.x + left, y: outer.y + top, width, height}
}"""
_BASELINE_CLOCK = """() => {
  const images = [...Bokeh.documents[0].all_models].filter(m => m.type === 'ColumnDataSource' && m.data.image)
  window.brushes = []
  let start = null, last = null
  window.addEventListener('pointerup', () => { start = performance.now(); last = null }, true)
  const changed = () => {
    if (start === null) return
    const begun = start
    clearTimeout(last)
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const took = performance.now() - begun
      clearTimeout(last)
      last = setTimeout(() => { window.brushes.push(took); start = null }, 1500)
    }))
  }
  for (const source of images) source.properties.data.change.connect(changed)
}"""


def main(arguments):
    """Print one JSON line a measurement."""
    parser = argparse.ArgumentParser(prog="brush")
    parser.add_argument("products", type=Path, nargs="*", help="product directories")
    parser.add_argument("--stars", type=int, nargs="*", default=[], help="sizes of invented products")
    parser.add_argument("--people", type=int, nargs="*", default=[4, 6], help="visitors who brush at once")
    parser.add_argument("--no-baseline", action="store_true", help="leave hv.link_selections out")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        sizes = options.stars or ([] if options.products else [43_000])
        invented = (make_products(Path(folder) / f"invented_{size}", size, n_spectra=200) for size in sizes)
        for directory in (*options.products, *invented):
            asyncio.run(measure_products(directory, options))


async def measure_products(directory, options):
    """One person, several people, expressions, and the baseline."""
    library = open_library(directory, directory.parent / ".columns")
    stars = library.table.n_stars
    tell({"measured": "rows", "stars": stars, "simulated": library.products.manifest.simulated_note or "nothing"})
    tell({"measured": "expression", "stars": stars} | spread(expressions(library)))
    server = Server(str(directory))
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=find_chromium(), args=list(LAUNCH_ARGUMENTS))
            page, first = await visit(browser, server)
            tell({"measured": "first page", "stars": stars, "ms": round(first)})
            for tool in ("Box", "Lasso"):
                times, sent = await brush(page, tool, REPEATS)
                tell(
                    {"measured": tool.lower(), "stars": stars, "people": 1, "bytes": round(np.median(sent))}
                    | spread(times)
                )
            if await choose_all_slices(page):
                times, _ = await brush(page, "Box", REPEATS)
                tell({"measured": "box", "stars": stars, "people": 1, "disc": "all slices"} | spread(times))
            await open_statistics_and_errors(page)
            times, _ = await brush(page, "Box", REPEATS)
            tell({"measured": "box", "stars": stars, "people": 1, "with": "comparison, error bars"} | spread(times))
            await page.close()
            for people in options.people:
                pages = [(await visit(browser, server))[0] for _ in range(people)]
                done = await asyncio.gather(*(brush(one, "Box", REPEATS // 2) for one in pages))
                times = [value for one, _ in done for value in one]
                tell({"measured": "box", "stars": stars, "people": people} | spread(times))
                for one in pages:
                    await one.close()
            await browser.close()
    finally:
        server.stop()
    if not options.no_baseline and stars < 100_000:
        await measure_baseline(directory, stars)


async def choose_all_slices(page):
    """Show every slice of the disc map at once; false where there is no such choice."""
    part = page.locator("section.card[aria-label='Disc map'] select[aria-label='Slice in height']")
    last = await part.locator("option").last.text_content() if await part.count() else ""
    if not (last or "").startswith("all"):
        return False
    await part.select_option(label=last)
    await page.wait_for_timeout(3000)
    await page.evaluate(_CLOCK)
    return True


async def open_statistics_and_errors(page):
    """Compare the selected stars with all others below the views, and draw error bars in the HR diagram."""
    await page.locator(".dock").get_by_role("button", name="Compare samples", exact=True).click()
    await page.locator(".dock .blocks table").first.wait_for(timeout=60_000)
    card = page.locator("section.card[aria-label='HR diagram']")
    await card.get_by_role("button", name="Axes, overlays and pictures").click()
    await page.get_by_label("Error bars").first.click()
    await page.keyboard.press("Escape")
    await page.wait_for_timeout(3000)
    await page.evaluate(_CLOCK)


def expressions(library):
    """Times from text to the mask of stars, ms."""
    names, times = [declared.name for declared in library.table.columns], []
    for number in range(60):
        text = EXPRESSION.format(teff=3600 + 5 * number, z=0.1 * number, m_h=0.01 * number)
        begun = time.perf_counter()
        parse(text, names).mask(library.table)
        times.append(1e3 * (time.perf_counter() - begun))
    return times[5:]


async def visit(browser, server):
    """A page with every view painted, in a browser that knows nothing yet; and how long that took, ms."""
    context = await browser.new_context(viewport=SCREEN)
    page = await context.new_page()
    await page.add_init_script("localStorage.setItem('mgiant-explorer-tour', '1')")
    begun = time.perf_counter()
    await page.goto(server.address("?afresh=1"))
    await page.wait_for_function(_READY, timeout=120_000)
    took = 1e3 * (time.perf_counter() - begun)
    await page.wait_for_timeout(1500)
    await page.evaluate(_CLOCK)
    return page, took


async def brush(page, tool, repeats, *, box=None, name=None):
    """Times of ``repeats`` gestures in the HR diagram, ms, and bytes that each brought; two more warm up."""
    received = []
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    session.on("Network.webSocketFrameReceived", lambda event: received.append(payload(event["response"])))
    await page.get_by_role("button", name=name or tool, exact=True).click()
    await page.wait_for_timeout(500)
    rng = np.random.default_rng(4)
    frame = await page.evaluate(box or BOX)
    await page.evaluate("window.brushes = []")
    sent = []
    for number in range(repeats + 2):
        received.clear()
        for at, (x, y) in enumerate(outline(tool, rng)):
            await page.mouse.move(frame["x"] + x * frame["width"], frame["y"] + y * frame["height"], steps=2)
            if at == 0:
                await page.mouse.down()
        await page.mouse.up()
        await page.wait_for_function("(n) => window.brushes.length > n", arg=number, timeout=60_000)
        await page.wait_for_timeout(PAUSE_MS)
        sent.append(sum(received))
    return (await page.evaluate("window.brushes"))[2:], sent[2:]


def payload(frame):
    """Bytes of a websocket frame; binary ones are told in base64."""
    data = frame["payloadData"]
    return len(data) if frame["opcode"] == 1 else 3 * len(data) // 4


def outline(tool, rng):
    """A random box or lasso in fractions of the figure."""
    (x, y), (width, height) = rng.uniform(0.15, 0.4, 2), rng.uniform(0.2, 0.5, 2)
    if tool == "Box":
        return [(x, y), (x + width, y + height)]
    turn = np.linspace(0.0, 1.9 * np.pi, 16)
    return [(x + width / 2 * (1 + np.cos(a)), y + height / 2 * (1 + np.sin(a))) for a in turn]


async def measure_baseline(directory, stars):
    """The same views and gestures through HoloViews, in the same run."""
    with contextlib.ExitStack() as stack:
        server = Server(str(directory), script=ROOT / "tests" / "reference" / "linked_by_holoviews.py")
        stack.callback(server.stop)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=find_chromium(), args=list(LAUNCH_ARGUMENTS))
            page = await browser.new_page(viewport=SCREEN)
            await page.goto(server.url)
            await page.wait_for_function("() => window.Bokeh?.documents[0]?.is_idle", timeout=120_000)
            await page.wait_for_timeout(5000)
            await page.evaluate(_BASELINE_CLOCK)
            for tool in ("Box", "Lasso"):
                times = await drag_baseline(page, tool)
                tell({"measured": tool.lower(), "stars": stars, "through": "hv.link_selections"} | spread(times))
            await browser.close()


async def drag_baseline(page, tool):
    """Gestures over the first figure of the baseline, ms."""
    await page.locator(f".bk-tool-icon-{tool.lower()}-select").first.click()
    figure = await page.locator(".bk-Figure").first.bounding_box()
    rng = np.random.default_rng(4)
    await page.evaluate("window.brushes = []")
    for number in range(BASELINE_REPEATS + 1):
        for at, (x, y) in enumerate(outline(tool, rng)):
            await page.mouse.move(figure["x"] + x * figure["width"], figure["y"] + y * figure["height"], steps=2)
            if at == 0:
                await page.mouse.down()
        await page.mouse.up()
        await page.wait_for_function("(n) => window.brushes.length > n", arg=number, timeout=120_000)
    return (await page.evaluate("window.brushes"))[1:]


def spread(times):
    """Median and 95th percentile of milliseconds."""
    return {
        "n": len(times),
        "median": round(float(np.median(times)), 1),
        "p95": round(float(np.quantile(times, 0.95)), 1),
    }


def tell(measured):
    """One JSON line."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    sys.stdout.write(json.dumps({"benchmark": "brush", "cores": os.cpu_count(), "load": load, **measured}) + "\n")
    sys.stdout.flush()
