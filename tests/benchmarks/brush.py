"""From mouse-up to the last view painted, in a real browser.

The clock runs in the page: it starts at ``pointerup`` and stops two animation frames after the selected layers of all
six views were replaced.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from driver import Explorer, Server, find_chromium, launch
from playwright.sync_api import sync_playwright
from products_factory import make_products

SIZES = (3_000, 43_000)
REPEATS = 12
_CLOCK = """() => {
  const models = Bokeh.documents.flatMap(d => [...d.all_models])
  const sources = models.filter(m => m.type === 'ColumnDataSource' && m.name === 'selected')
  window.brushes = []
  let start = null, waiting = new Set()
  window.addEventListener('pointerup', () => { start = performance.now(); waiting = new Set(sources) }, true)
  for (const source of sources) {
    source.properties.data.change.connect(() => {
      if (start === null || !waiting.delete(source) || waiting.size) return
      const begun = start
      start = null
      requestAnimationFrame(() => requestAnimationFrame(() => window.brushes.push(performance.now() - begun)))
    })
  }
  return sources.length
}"""


def main(arguments: list[str]) -> None:
    """Measure box and lasso at each size and print one JSON line; takes no arguments."""
    if arguments:
        sys.exit(f"brush takes no arguments; found {arguments}.")
    measured = {"benchmark": "brush", "unit": "ms", "cores": os.cpu_count(), "repeats": REPEATS, "results": []}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = launch(playwright, find_chromium())
        for size in SIZES:
            directory = make_products(Path(folder) / str(size), size, n_spectra=200)
            server = Server(str(directory))
            try:
                begun = time.perf_counter()
                explorer = Explorer(browser.new_page(viewport={"width": 1920, "height": 1080}), server)
                explorer.wait_for_views("Disc map")
                first_page = 1e3 * (time.perf_counter() - begun)
                views = explorer.page.evaluate(_CLOCK)
                for tool in ("Box", "Lasso"):
                    times = measure(explorer, tool)
                    print(size, tool, [round(t) for t in times], file=sys.stderr, flush=True)
                    measured["results"].append(
                        {
                            "stars": size,
                            "gesture": tool.lower(),
                            "views": views,
                            "median": round(float(np.median(times)), 1),
                            "p95": round(float(np.quantile(times, 0.95)), 1),
                            "first_page": round(first_page),
                        }
                    )
            finally:
                server.stop()
        browser.close()
    measured["load"] = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    print(json.dumps(measured))


def measure(explorer: Explorer, tool: str) -> list[float]:
    """Times of ``REPEATS`` gestures in the HR diagram; two more warm up."""
    explorer.use_tool(tool)
    rng = np.random.default_rng(4)
    explorer.page.evaluate("window.brushes = []")
    for number in range(REPEATS + 2):
        x, y = rng.uniform(0.15, 0.4, 2)
        width, height = rng.uniform(0.2, 0.5, 2)
        path = [(x, y), (x + width, y + height)]
        if tool == "Lasso":
            turn = np.linspace(0, 1.9 * np.pi, 16)
            path = [(x + width / 2 * (1 + np.cos(a)), y + height / 2 * (1 + np.sin(a))) for a in turn]
        explorer.drag("HR diagram", path, steps=2)
        explorer.page.wait_for_function("(n) => window.brushes.length > n", arg=number, timeout=20_000)
        explorer.page.wait_for_timeout(350)
    return explorer.page.evaluate("window.brushes")[2:]
