"""From a key or a click to the star's spectrum painted, in a real browser.

The clock runs in the page: it starts at ``keydown`` or ``pointerdown`` and stops two animation frames after the
spectrum was replaced. "next" goes through the stars at a reader's pace, "held" as fast as the page paints, "row" clicks
in the table, of which nothing was fetched ahead, "smooth" smooths more and less. "small" turns a page of 40 small
spectra, until all are painted. ``kilobytes`` came from the server for one of each, fetched ahead or not, before
compression.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from driver import Explorer, Server, find_chromium, launch
from playwright.sync_api import sync_playwright
from products_factory import make_products

SIZES = (3_000, 43_000)
SPECTRA = 1_500
REPEATS = 40
PACE_MS = 400
_COUNTER = """(() => {
  const Plain = window.WebSocket
  window.receivedBytes = 0
  window.WebSocket = class extends Plain {
    constructor(...given) {
      super(...given)
      this.addEventListener('message', ({ data }) => { window.receivedBytes += data.byteLength ?? data.length })
    }
  }
})()"""
_CLOCK = """() => {
  const source = Bokeh.documents.map(d => d.get_model_by_name('spectrum')).find(m => m)
  window.paints = []
  let start = null
  const begin = () => { start = performance.now() }
  for (const kind of ['keydown', 'pointerdown']) window.addEventListener(kind, begin, true)
  source.properties.data.change.connect(() => {
    if (start === null) return
    const begun = start
    start = null
    requestAnimationFrame(() => requestAnimationFrame(() => window.paints.push(performance.now() - begun)))
  })
}"""


_SMALL_CLOCK = """() => {
  const walk = root => [...root.querySelectorAll('*')].flatMap(e => [e, ...(e.shadowRoot ? walk(e.shadowRoot) : [])])
  const grid = walk(document).find(e => e.matches('.thumbs'))
  window.paints = []
  let start = performance.now()
  window.addEventListener('keydown', () => { start = performance.now() }, true)
  new MutationObserver(() => {
    const begun = start
    requestAnimationFrame(() => requestAnimationFrame(() => window.paints.push(performance.now() - begun)))
  }).observe(grid, { childList: true })
}"""


def main(arguments: list[str]) -> None:
    """Measure at each size and print one JSON line; takes no arguments."""
    if arguments:
        sys.exit(f"spectrum takes no arguments; found {arguments}.")
    results = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = launch(playwright, find_chromium())
        for size in SIZES:
            directory = make_products(Path(folder) / str(size), size, n_spectra=min(size, SPECTRA))
            server = Server(str(directory))
            try:
                page = browser.new_page(viewport={"width": 1920, "height": 1080})
                page.add_init_script("localStorage.setItem('mgiant-explorer-tour', '1')")
                page.add_init_script(_COUNTER)
                explorer = Explorer(page, server)
                page.locator(".table tbody tr").first.click(timeout=60_000)
                explorer.wait_for_spectrum()
                page.evaluate(_CLOCK)
                actions = (("next", PACE_MS), ("held", 0), ("row", PACE_MS), ("smooth", PACE_MS), ("small", PACE_MS))
                for action, pace in actions:
                    if action == "small":
                        page.get_by_role("button", name="Spectra of the selection").click()
                        page.locator(".thumbs button").first.focus()
                        page.evaluate(_SMALL_CLOCK)
                    before = page.evaluate("window.receivedBytes")
                    times = measure(page, action, pace)
                    received = page.evaluate("window.receivedBytes") - before
                    results.append(
                        {
                            "stars": size,
                            "action": action,
                            "p50": round(float(np.median(times)), 1),
                            "p95": round(float(np.quantile(times, 0.95)), 1),
                            "kilobytes": round(received / (REPEATS + 2) / 1000.0, 1),
                        }
                    )
                    print(results[-1], file=sys.stderr, flush=True)
                page.close()
            finally:
                server.stop()
        browser.close()
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    measured = {"benchmark": "spectrum", "unit": "ms", "cores": os.cpu_count(), "repeats": REPEATS, "load": load}
    print(json.dumps({**measured, "results": results}))


def measure(page, action: str, pace: int) -> list[float]:
    """Times of ``REPEATS`` changes of the spectrum; two more warm up."""
    page.evaluate("window.paints = []")
    for number in range(REPEATS + 2):
        if action == "row":
            page.locator(".table tbody tr").nth(number % 4).click()
        elif action == "small":
            page.keyboard.press("PageUp" if number % 40 >= 20 else "PageDown")
        else:
            page.keyboard.press("j" if action != "smooth" else "sd"[number % 2])
        page.wait_for_function("(n) => window.paints.length > n", arg=number, timeout=20_000)
        page.wait_for_timeout(pace)
    return page.evaluate("window.paints")[2:]
