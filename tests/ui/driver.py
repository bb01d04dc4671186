"""Driver of the page with mouse and keyboard, as a user."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAUNCH_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
BOX = ((0.55, 0.1), (0.95, 0.6))
_READY = "() => window.Bokeh && Bokeh.documents.length > 0 && Bokeh.documents[0].is_idle"
_FIND = "((name) => Bokeh.documents.map(d => d.get_model_by_name(name)).find(m => m))"
_FIGURE_BOX = f"""(name) => {{
  const figure = {_FIND}(name)
  const view = figure && Bokeh.index.find_one_by_id(figure.id)
  if (!view || !view.frame) return null
  const outer = view.canvas_view.el.getBoundingClientRect(), inner = view.frame.bbox
  return {{x: outer.x + inner.left, y: outer.y + inner.top, width: inner.width, height: inner.height}}
}}"""
_FIGURE_IMAGE = f"""([name, layer]) => {{
  const sources = {_FIND}(name).renderers.map(r => r.data_source)
  const data = (wanted) => sources.find(s => s.name === wanted)?.data
  const image = data(layer)?.image?.[0] ?? [], points = data(layer === 'selected' ? 'picked' : 'stars')?.x ?? []
  let lit = points.length, hash = 7
  for (let k = 0; k < image.length; k++) {{ if (image[k]) lit++; hash = (hash * 31 + image[k]) | 0 }}
  for (const x of points) hash = (hash * 31 + 1000 * x) | 0
  return {{lit, hash}}
}}"""
"""Pixels and points of a layer, however it is drawn: how many, and a number that changes with them."""

_CURVE = f"(name) => {_FIND}(name)?.data.w.length ?? 0"
_PIXEL = f"""([name, x, y]) => {{
  const view = Bokeh.index.find_one_by_id({_FIND}(name).id)
  const outer = view.canvas_view.el.getBoundingClientRect()
  return {{x: outer.x + view.frame.x_scale.compute(x), y: outer.y + view.frame.y_scale.compute(y)}}
}}"""


def find_chromium() -> str | None:
    """Path of a Chromium: named by MGIANT_CHROMIUM, installed, or Playwright's own."""
    named = os.environ.get("MGIANT_CHROMIUM")
    if named:
        return named
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).is_file() else None


def launch(playwright, executable: str):
    """A headless browser that calls nobody."""
    return playwright.chromium.launch(executable_path=executable, args=list(LAUNCH_ARGUMENTS))


class Server:
    """``python run_app.py ARGUMENTS`` as a process of its own, by default on a free port.

    ``url`` opens without the token of a machine's owner, unless ``token`` is true: then ``address`` has it.
    """

    def __init__(
        self,
        *arguments: str,
        environment: dict[str, str] | None = None,
        port: int = 0,
        script: Path = ROOT / "run_app.py",
        token: bool = False,
    ) -> None:
        self.lines: list[str] = []
        self.expected: tuple[str, ...] = ()
        """Parts of lines of trouble that a test causes on purpose."""
        self.token = ""
        open_to_all = [] if token or script.parent.name == "reference" else ["--no-token"]
        self.process = subprocess.Popen(
            [sys.executable, "-u", str(script), *arguments, *open_to_all, "--no-browser", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self._wait_for_url()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def _wait_for_url(self, seconds: float = 90.0) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            for line in list(self.lines):
                found = re.search(r"https?://\S+", line)
                if found:
                    url, _, self.token = found.group().partition("?token=")
                    url = url.rstrip("/") + "/"
                    urllib.request.urlopen(url + "static/js/bokeh.min.js", timeout=30).close()
                    return url
            time.sleep(0.1)
        self.stop()
        raise RuntimeError("The server did not start:\n" + "\n".join(self.lines))

    def address(self, query: str = "") -> str:
        """Address that a person opens first, with a query such as ``?star=7``."""
        token = f"token={self.token}" if self.token else ""
        return f"{self.url}{query or '?'}{'&' if len(query) > 1 and token else ''}{token}".rstrip("?")

    def complaints(self) -> list[str]:
        """Lines of the log that speak of trouble, but for refusals and for pages that close while they are sent to."""
        usual = ("Failed sending message as connection was closed", "Refused: ", *self.expected)
        said = [line for line in self.lines if not any(words in line for words in usual)]
        return [line for line in said if re.search(r"error|exception|traceback|warning", line, re.IGNORECASE)]

    def stop(self) -> None:
        """End the process and whatever it started."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


class Explorer:
    """One visitor's page, which by default does not continue what another test left."""

    def __init__(self, page, server: Server, query: str = "?afresh=1", *, tour: bool = False) -> None:
        self.page, self.server = page, server
        self.console_errors: list[str] = []
        self.foreign: list[str] = []
        page.on("console", lambda m: self.console_errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: self.console_errors.append(str(e)))
        page.on("request", self._note)
        page.on("requestfailed", lambda r: self.console_errors.append(f"failed: {r.url}"))
        if not tour:
            page.add_init_script("localStorage.setItem('mgiant-explorer-tour', '1')")
        page.goto(server.address(query))
        page.wait_for_function(_READY, timeout=60_000)

    def _note(self, request) -> None:
        if not request.url.startswith((self.server.url, "data:", "blob:", self.server.url.replace("http", "ws", 1))):
            self.foreign.append(request.url)

    def wait_for_views(self, name: str = "HR diagram") -> None:
        """Wait until a figure is laid out and its stars or its map are there."""
        self.page.wait_for_function(
            f"""() => {{
              const figure = {_FIND}({name!r})
              const box = figure && ({_FIGURE_BOX})({name!r})
              if (!box || box.width < 20) return false
              const layers = ['everything', 'stars', 'texture']
              return figure.renderers.some(r => layers.includes(r.data_source.name) && r.data_source.data.x.length > 0)
            }}""",
            timeout=60_000,
        )

    def box(self, name: str) -> dict[str, float]:
        return self.page.evaluate(_FIGURE_BOX, name)

    def image(self, name: str, layer: str = "selected") -> dict[str, int]:
        return self.page.evaluate(_FIGURE_IMAGE, [name, layer])

    def pixel(self, name: str, x: float, y: float) -> dict[str, float]:
        return self.page.evaluate(_PIXEL, [name, x, y])

    def curve_length(self, name: str = "spectrum") -> int:
        return self.page.evaluate(_CURVE, name)

    def wait_for_spectrum(self) -> None:
        """Wait until a spectrum is drawn."""
        self.page.wait_for_function(f"() => ({_CURVE})('spectrum') > 1000", timeout=30_000)

    def drag(self, name: str, path, *, steps: int = 4) -> None:
        """Drag over a figure; the path is in fractions of its frame, from its upper left corner."""
        box = self.box(name)
        points = [(box["x"] + fx * box["width"], box["y"] + fy * box["height"]) for fx, fy in path]
        mouse = self.page.mouse
        mouse.move(*points[0])
        mouse.down()
        for point in points[1:]:
            mouse.move(*point, steps=steps)
        mouse.up()

    def use_tool(self, name: str) -> None:
        """Choose what a drag does, and wait until the figures know."""
        self.page.get_by_role("button", name=name, exact=True).click()
        self.page.wait_for_function(
            f"(name) => {_FIND}('HR diagram').toolbar.tools[0].type.startsWith(name.slice(0, 4))",
            arg=name,
            timeout=10_000,
        )

    def count_text(self) -> str:
        return self.page.locator(".count").inner_text()

    def wait_for_count(self, old: str) -> str:
        self.page.wait_for_function(
            """(old) => {
              const walk = root => [...root.querySelectorAll('*')].flatMap(
                e => [...(e.matches('.count') ? [e] : []), ...(e.shadowRoot ? walk(e.shadowRoot) : [])])
              const found = walk(document)[0]
              return found && found.innerText.trim() !== old.trim()
            }""",
            arg=old,
            timeout=8_000,
        )
        return self.count_text()

    def wait_for_image(self, name: str, old: dict[str, int]) -> dict[str, int]:
        """Wait until the selected layer of a figure differs from what it was."""
        self.page.wait_for_function(
            f"([name, layer, hash]) => ({_FIGURE_IMAGE})([name, layer]).hash !== hash",
            arg=[name, "selected", old["hash"]],
            timeout=8_000,
        )
        return self.image(name)


def choose_column(page, menu, name, search=""):
    """Choose a column of a menu by its label; return the names that a search leaves."""
    page.locator(f"[data-field='{menu}']").locator("visible=true").click()
    entries = page.locator(".column-menu:popover-open [role=option]")
    if search:
        page.locator(".column-menu:popover-open input[type=search]").fill(search)
    chosen = page.locator(f".column-menu:popover-open [role=option][data-column='{name}']")
    chosen.wait_for(timeout=5000)
    names = entries.evaluate_all("items => items.map((item) => item.dataset.column)")
    chosen.click()
    return names


def colour_by(page, name):
    """Choose the column of the colours."""
    choose_column(page, "Colour by", name)


def colour_of(page):
    """Column of the colours."""
    return page.locator("[data-field='Colour by']").get_attribute("data-column")


def number(count):
    """Selected stars of the bar's count."""
    return int(count.split()[0].replace(",", ""))


def brush(explorer, name="HR diagram", path=BOX, watch="Sagittarius sky"):
    """Drag over a view: the selected layer of another one and the count that come of it."""
    before, count = explorer.image(watch), explorer.count_text()
    explorer.drag(name, path)
    return explorer.wait_for_image(watch, before), explorer.wait_for_count(count)
