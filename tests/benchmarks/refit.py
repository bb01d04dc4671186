"""The live refit: how fast, whether it repeats the published labels, and whether a mask undoes a cosmic ray.

``python -m tests.benchmarks refit [DIRECTORY]`` takes a product directory with a label model; without one, that of the
embedded simulated survey. Times are those of a real browser, from the input to two animation frames after the model
over the spectrum was replaced.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
from driver import Explorer, Server, find_chromium, launch
from playwright.sync_api import sync_playwright

from explorer.config import DEFAULT_CONFIGURATION
from explorer.model.label_model import open_label_model
from explorer.model.library import Library, open_library
from pipeline.home import cache_folder
from pipeline.science.star.refit import LabelModel, Wish

REPEATS = 40
UNCHANGED = 300
PLANTED = 100
RAY_PIXELS = 6
RAY_SIGMA = 25.0
MASK_MARGIN_ANGSTROM = 6.0
_CLOCK = """() => {
  const source = Bokeh.documents.map(d => d.get_model_by_name('trial')).find(m => m)
  window.trials = []
  window.begin = null
  source.properties.data.change.connect(() => {
    if (window.begin === null || !source.data.w.length) return
    const begun = window.begin
    window.begin = null
    requestAnimationFrame(() => requestAnimationFrame(() => window.trials.push(performance.now() - begun)))
  })
}"""
_SLIDE = """([slider, share]) => {
  slider.value = Number(slider.min) + share * (slider.max - slider.min)
  window.begin = performance.now()
  slider.dispatchEvent(new Event('input'))
}"""
_PRESS = "(button) => { window.begin = performance.now(); button.click() }"


def main(arguments: list[str]) -> None:
    """Measure and print one JSON line."""
    directory = Path(arguments[0]) if arguments else cache_folder() / DEFAULT_CONFIGURATION
    if not (directory / "model").is_dir():
        sys.exit(f"{directory} holds no label model: build one, such as with `python -m pipeline build mock`.")
    measured = {"benchmark": "refit", "cores": os.cpu_count(), "unit": "ms", "repeats": REPEATS}
    measured |= browser_times(directory)
    measured["load"] = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    library, model = open_library(directory), open_label_model(directory)
    measured |= {"unchanged": unchanged(library, model), "cosmic_rays": cosmic_rays(library, model)}
    print(json.dumps(measured))


def browser_times(directory: Path) -> dict:
    """p50 and p95 of a slider and of a refit."""
    server = Server(str(directory))
    try:
        with sync_playwright() as playwright:
            browser = launch(playwright, find_chromium())
            page = browser.new_page(viewport={"width": 1920, "height": 1080})
            page.add_init_script("localStorage.setItem('mgiant-explorer-tour', '1')")
            explorer = Explorer(page, server)
            page.locator(".table tbody tr").first.click(timeout=60_000)
            explorer.wait_for_spectrum()
            page.get_by_role("button", name="Refit", exact=True).first.click()
            page.evaluate(_CLOCK)
            slider = page.get_by_label("Teff of the model").element_handle()
            rng = np.random.default_rng(2)
            sliding = timed(page, lambda: page.evaluate(_SLIDE, [slider, float(rng.uniform(0.1, 0.9))]))
            button = page.locator(".refit button.main").element_handle()
            fitting = timed(page, lambda: page.evaluate(_PRESS, button), next_star=True)
            browser.close()
    finally:
        server.stop()
    return {
        name: {"p50": round(float(np.median(times)), 1), "p95": round(float(np.quantile(times, 0.95)), 1)}
        for name, times in (("slider", sliding), ("refit", fitting))
    }


def timed(page, act, *, next_star: bool = False) -> list[float]:
    """Times of ``REPEATS`` acts; two more warm up."""
    page.evaluate("window.trials = []")
    for number in range(REPEATS + 2):
        act()
        page.wait_for_function("(n) => window.trials.length > n", arg=number, timeout=30_000)
        if next_star:
            page.keyboard.press("j")
        page.wait_for_timeout(250)
    return page.evaluate("window.trials")[2:]


def published(library: Library, model: LabelModel, row: int) -> dict[str, float]:
    return {name: library.table.value(name, row) for name in (*model.names, "rv")}


def usable_rows(library: Library, model: LabelModel, count: int) -> np.ndarray:
    """Stars with labels that were not trained on: the published labels of the others are out of fold."""
    table = library.table
    known = ~table["in_training"] & np.isfinite(np.stack([table[name] for name in model.names])).all(axis=0)
    rows = np.flatnonzero(known & (table["quality"] == 0))
    return np.random.default_rng(5).permutation(rows)[:count]


def unchanged(library: Library, model: LabelModel) -> dict:
    """Largest difference of a refit with nothing changed from the published labels, in formal errors."""
    worst = 0.0
    rows = usable_rows(library, model, UNCHANGED)
    for row in rows:
        told = published(library, model, int(row))
        found = model.refit(library.products.spectra.get(int(library.table["obsid"][row])), told)
        formal = dict(found.formal)
        worst = max(worst, *(abs(dict(found.labels)[name] - told[name]) / formal[name] for name in model.names))
    return {"stars": len(rows), "most_formal_sigma": round(worst, 6)}


def cosmic_rays(library: Library, model: LabelModel) -> dict:
    """Cosmic rays planted on good pixels: how often labels come back within an error once they are masked.

    "clean" compares with the fit of the same spectrum without the ray; "truth" with simulated true labels, within the
    calibrated errors, where the directory holds them.
    """
    rng = np.random.default_rng(6)
    truth_file = library.products.directory / "truth.parquet"
    truth = None
    if truth_file.is_file():
        import pandas as pd

        truth = pd.read_parquet(truth_file).set_index("obsid")
    near = {"unmasked": 0, "masked": 0}
    true = {"before": [], "masked": []}
    for row in usable_rows(library, model, PLANTED):
        obsid, snr = int(library.table["obsid"][row]), library.table.value("snr", int(row))
        spectrum, told = library.products.spectra.get(obsid), published(library, model, int(row))
        clean = model.refit(spectrum, told, snr=snr)
        good = np.flatnonzero(~spectrum.mask & (spectrum.ivar > 0) & model.slam.usable_pixel_)
        at = int(rng.choice(good[RAY_PIXELS:-RAY_PIXELS]))
        hit = slice(at, at + RAY_PIXELS)
        noise = np.sqrt(model.total_variance(spectrum.ivar)[hit])
        spectrum.flux[hit] += (RAY_SIGMA * np.where(np.isfinite(noise), noise, 0.0)).astype(np.float32)
        low, high = (float(spectrum.wavelength[end]) for end in (at, at + RAY_PIXELS - 1))
        mask = Wish(masked=((low - MASK_MARGIN_ANGSTROM, high + MASK_MARGIN_ANGSTROM),))
        for name, wish in (("unmasked", None), ("masked", mask)):
            found = dict(model.refit(spectrum, told, wish, snr).labels)
            formal = dict(clean.formal)
            near[name] += all(abs(found[label] - dict(clean.labels)[label]) <= formal[label] for label in model.names)
        if truth is not None:
            for name, labels in (("before", dict(clean.labels)), ("masked", found)):
                errors = dict(clean.calibrated)
                true[name] += [abs(labels[one] - truth.loc[obsid, f"true_{one}"]) <= errors[one] for one in model.names]
    result = {"planted": PLANTED, "within_1_formal_sigma_of_clean": near}
    if truth is not None:
        shares = {name: round(float(np.mean(hits)), 3) for name, hits in true.items()}
        result["labels_within_1_calibrated_sigma_of_truth"] = shares
    return result
