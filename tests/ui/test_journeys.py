"""What people do with the explorer, in a real browser."""

import json
import sys

import pytest
from driver import Server

pytestmark = pytest.mark.browser

VIEWS = ("HR diagram", "Action space", "Abundances", "Sagittarius sky", "Distance along the stream", "Disc map")
BOX = ((0.55, 0.1), (0.95, 0.6))
LASSO = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.5, 0.95), (0.2, 0.8), (0.2, 0.25))


@pytest.fixture
def explorer(visit):
    page = visit()
    page.wait_for_views()
    page.wait_for_views("Disc map")
    return page


def button(explorer, name):
    """A button by its name; the mouse first leaves any other one, whose tooltip could lie over it."""
    explorer.page.mouse.move(5, 300)
    explorer.page.wait_for_timeout(400)
    return explorer.page.get_by_role("button", name=name)


def brush(explorer, name="HR diagram", path=BOX, watch="Sagittarius sky"):
    before, count = explorer.image(watch), explorer.count_text()
    explorer.drag(name, path)
    return explorer.wait_for_image(watch, before), explorer.wait_for_count(count)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
def test_the_page_loads_whole_and_fits(visit, width, height):
    explorer = visit(width=width, height=height)
    for name in VIEWS:
        explorer.wait_for_views(name)
        box = explorer.box(name)
        assert box["width"] > 120
        assert box["height"] > 70
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height
    assert "1,500 of 1,500" in explorer.count_text()
    assert explorer.page.get_by_text("SIMULATED DATA").is_visible()
    assert explorer.page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")


def test_a_box_in_the_hr_diagram_changes_the_stream(explorer):
    grey = explorer.image("Sagittarius sky", "everything")
    before = {name: explorer.image(name) for name in VIEWS}
    image, count = brush(explorer)
    assert 0 < image["lit"] < before["Sagittarius sky"]["lit"]
    assert 0 < int(count.split()[0].replace(",", "")) < 1500
    assert explorer.image("Sagittarius sky", "everything") == grey
    for name in VIEWS:
        assert explorer.image(name) != before[name]


def test_lasso_modes_undo_redo_and_clear(explorer):
    page = explorer.page
    explorer.use_tool("Lasso")
    whole = explorer.count_text()
    _, first = brush(explorer, "Abundances", LASSO)
    inside = int(first.split()[0].replace(",", ""))
    assert 0 < inside < 1500
    page.get_by_role("button", name="Minus").click()
    _, fewer = brush(explorer, "HR diagram", LASSO)
    assert int(fewer.split()[0].replace(",", "")) < inside
    button(explorer, "Undo").click()
    assert explorer.wait_for_count(fewer) == first
    button(explorer, "Redo").click()
    assert explorer.wait_for_count(first) == fewer
    button(explorer, "Clear").click()
    assert explorer.wait_for_count(fewer) == whole


def test_shift_adds(explorer):
    _, first = brush(explorer, path=((0.3, 0.3), (0.5, 0.7)))
    explorer.page.keyboard.down("Shift")
    _, second = brush(explorer, path=((0.5, 0.2), (0.7, 0.6)))
    explorer.page.keyboard.up("Shift")
    assert int(second.split()[0].replace(",", "")) > int(first.split()[0].replace(",", ""))


def test_a_click_on_a_star_shows_its_spectrum(explorer, products):
    import pandas as pd

    star = pd.read_parquet(products / "catalog.parquet", columns=["obsid", "teff", "logg"]).sort_values("teff").iloc[4]
    assert explorer.curve_length() == 0
    at = explorer.pixel("HR diagram", float(star["teff"]), float(star["logg"]))
    explorer.page.mouse.click(at["x"], at["y"])
    explorer.wait_for_spectrum()
    explorer.page.get_by_text(f"obsid {int(star['obsid'])}").wait_for(timeout=5000)
    button(explorer, "Next star").click()
    explorer.page.get_by_text(f"obsid {int(star['obsid'])}").wait_for(state="detached", timeout=5000)


def test_a_click_on_a_row_shows_its_spectrum(explorer):
    explorer.page.locator(".tabulator-row").nth(2).locator(".tabulator-cell:visible").first.click()
    explorer.wait_for_spectrum()


def test_zoom_aggregates_again(explorer):
    before = explorer.image("HR diagram", "everything")
    box = explorer.box("HR diagram")
    explorer.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    explorer.page.mouse.wheel(0, -400)
    explorer.page.wait_for_function(
        """(lit) => {
          const figure = Bokeh.documents[0].get_model_by_name('HR diagram')
          const source = figure.renderers.map(r => r.data_source).find(s => s.name === 'everything')
          return Math.abs(source.data.dw[0] - Math.abs(figure.x_range.end - figure.x_range.start)) < 1e-6
            && source.data.image[0].filter(v => v > 0).length !== lit
        }""",
        arg=before["lit"],
        timeout=10_000,
    )
    button(explorer, "Reset every zoom").click()
    explorer.page.wait_for_function(
        """(lit) => Bokeh.documents[0].get_model_by_name('HR diagram').renderers.map(r => r.data_source)
             .find(s => s.name === 'everything').data.image[0].filter(v => v > 0).length === lit""",
        arg=before["lit"],
        timeout=10_000,
    )


def test_deep_link_colour_dark_and_about(visit):
    explorer = visit("?star=100000007")
    page = explorer.page
    page.get_by_text("obsid 100000007").first.wait_for(timeout=20_000)
    page.get_by_role("button", name="Back to the views").click()
    explorer.wait_for_views()
    page.get_by_text("obsid 100000007").wait_for(timeout=10_000)
    assert explorer.curve_length() > 1000
    palette = """() => Bokeh.documents[0].get_model_by_name('HR diagram').renderers
      .find(r => r.data_source.name === 'selected').glyph.color_mapper.palette.join()"""
    light = page.evaluate(palette)
    page.get_by_role("button", name="Toggle theme").or_(page.locator("[aria-label='Toggle theme']")).first.click()
    page.wait_for_function(f"(old) => ({palette})() !== old", arg=light, timeout=10_000)
    page.get_by_role("tab", name="About").click()
    page.get_by_text("Scientific choices").wait_for(timeout=10_000)
    assert page.get_by_text("the file ends early").is_visible()
    assert page.get_by_text("SIMULATED DATA").is_visible()


def test_an_unknown_star_in_the_link_is_a_sentence(visit):
    explorer = visit("?star=42")
    explorer.page.get_by_text("This catalogue has no star with obsid 42.").wait_for(timeout=20_000)


def test_two_visitors_do_not_disturb_each_other(visit):
    one, two = visit(), visit()
    one.wait_for_views()
    two.wait_for_views()
    before = two.image("HR diagram")
    brush(one)
    two.page.wait_for_timeout(400)
    assert two.image("HR diagram") == before
    assert "1,500 of 1,500" in two.count_text()


def test_a_build_shows_progress_and_then_opens(visit, tmp_path, products):
    """The default directory is being built by somebody else: the page follows, then opens by itself."""
    import os
    import shutil

    home = tmp_path / "home"
    home.mkdir()
    (home / "demo.progress.lock").write_text(str(os.getpid()))
    line = {"stage": "labels", "index": 4, "count": 9, "fraction": 0.5, "seconds_left": 40, "message": "fold 3 of 10"}
    (home / "demo.progress.jsonl").write_text(json.dumps(line) + "\n")
    running = Server(environment={"MGIANT_HOME": str(home)})
    try:
        explorer = visit(at=running)
        explorer.page.get_by_text("Stage 5 of 9: labels").wait_for(timeout=20_000)
        assert explorer.page.get_by_text("fold 3 of 10").is_visible()
        shutil.copytree(products, home / "demo")
        (home / "demo.progress.lock").unlink()
        explorer.page.wait_for_function(
            "() => window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].get_model_by_name('HR diagram')",
            timeout=40_000,
        )
        explorer.wait_for_views()
        assert running.complaints() == []
    finally:
        running.stop()
        running.lines.clear()  # a server that is told to stop may complain of the page that it leaves behind


def test_a_directory_that_is_none_is_refused_with_a_sentence(tmp_path):
    import subprocess

    from driver import ROOT

    ended = subprocess.run(
        [sys.executable, str(ROOT / "run_app.py"), str(tmp_path), "--no-browser"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "is not a product directory" in ended.stderr
    assert "Traceback" not in ended.stderr
