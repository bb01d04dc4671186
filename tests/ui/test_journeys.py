"""Typical use of the explorer in a real browser."""

import json

import pytest
from driver import BOX, Server, brush, choose_column, colour_by, colour_of, number

pytestmark = pytest.mark.browser

VIEWS = ("HR diagram", "Action space", "Abundances", "Sagittarius sky", "Stream distance", "Disc map")
LASSO = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.5, 0.95), (0.2, 0.8), (0.2, 0.25))
LAYER = """(figure, layer) => Bokeh.documents.map(d => d.get_model_by_name(figure)).find(m => m)
  .renderers.map(r => r.data_source).find(s => s.name === layer).data"""
LIT = f"() => ({LAYER})('HR diagram', 'everything').image[0].filter(v => v > 0).length"
INK = """() => Bokeh.documents.map(d => d.get_model_by_name('HR diagram')).find(m => m)
  .below[0].major_label_text_color.value"""
WIDTHS = """(title) => Bokeh.documents.flatMap(d => d.roots()).filter(m => m.name?.startsWith(title))
  .map(({x_range: {start, end}}) => end - start)"""
FIGURE = "Bokeh.documents.map(d => d.get_model_by_name('HR diagram')).find(m => m)"
X_ENDS = f"() => (range => [range.start, range.end])({FIGURE}.x_range)"
LETTERS = f"() => {FIGURE}.below[0].major_label_text_font_size"
GREY = """() => {
  const figure = Bokeh.documents.map(d => d.get_model_by_name('HR diagram')).find(m => m)
  const {canvas_view: {primary}, frame} = Bokeh.index.find_one_by_id(figure.id), {ctx} = primary
  const ratio = ctx.canvas.width / ctx.canvas.getBoundingClientRect().width, {left, top, width, height} = frame.bbox
  const {data} = ctx.getImageData(left * ratio, top * ratio, width * ratio, height * ratio)
  let grey = 0
  for (let k = 0; k < data.length; k += 4) {
    if (data[k + 3] > 0 && data[k] < 215 && Math.abs(data[k] - data[k + 2]) < 40) grey++
  }
  return grey
}"""
"""Grey pixels of the layer of all stars."""

CARDS = """() => {
  const walk = root => [...root.querySelectorAll('*')].flatMap(e => [e, ...(e.shadowRoot ? walk(e.shadowRoot) : [])])
  return walk(document).filter(e => e.matches('.stage > .card') && e.offsetParent)
}"""
UNREACHABLE = f"""() => ({CARDS})().flatMap(card => {{
  card.scrollIntoView({{block: 'nearest'}})
  const outer = card.getBoundingClientRect()
  return [...card.querySelectorAll('header > :is(button, select):not([hidden])')].filter(one => {{
    if (getComputedStyle(one).display === 'none') return false // the menu has it
    const box = one.getBoundingClientRect()
    const top = card.getRootNode().elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
    return box.left < outer.left || box.right > outer.right || box.width < 20 || !one.contains(top)
  }}).map(one => `${{card.ariaLabel}}: ${{one.ariaLabel}}`)
}})"""
"""Buttons and lists of views' headers that stick out of their card, or lie under something."""

CUT = f"""() => ({CARDS})().flatMap(card => {{
  const line = card.querySelector('.extras').getBoundingClientRect()
  return [...card.querySelectorAll('.extras > *')].filter(one => {{
    const box = one.getBoundingClientRect()
    return box.width > 0 && box.top < line.bottom - 1 && (box.left < line.left - 1 || box.right > line.right + 1)
  }}).map(one => `${{card.ariaLabel}}: ${{one.className || one.tagName}}`)
}})"""
"""Notes, legends and captions that are seen in part."""

DISC = "Bokeh.documents.map(d => d.get_model_by_name('Disc map')).find(m => m)"
TEXTURE_HASH = f"""() => {{
  const image = {DISC}.renderers.find(r => r.data_source.name === 'texture').data_source.data.image[0] ?? []
  let hash = 7
  for (const pixel of image) hash = (hash * 31 + pixel) | 0
  return hash
}}"""
DISC_LABELS = f"() => [...{DISC}.below[0].major_label_overrides.values()]"

SKY = "Bokeh.documents.map(d => d.get_model_by_name('Sagittarius sky')).find(m => m)"
MODEL = f"() => Array.from(({SKY}).renderers.find(r => r.level === 'image' && !r.name).data_source.data.x)"
"""Longitudes of the stream model's dots."""

ADDRESS = """() => {
  const walk = root => [...root.querySelectorAll('*')].flatMap(e => [e, ...(e.shadowRoot ? walk(e.shadowRoot) : [])])
  return walk(document).find(e => e.matches("input[aria-label='Link to the current state']"))?.value ?? ''
}"""


def button(explorer, name):
    """A button by its name; the mouse first leaves any other one, whose tooltip could lie over it."""
    explorer.page.mouse.move(5, 300)
    explorer.page.wait_for_timeout(400)
    return explorer.page.get_by_role("button", name=name)


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
    assert "6,000 of 6,000" in explorer.count_text()
    assert explorer.page.get_by_text("SIMULATED DATA").is_visible()
    assert explorer.page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")


def test_a_box_in_the_hr_diagram_changes_every_view(explorer):
    grey = explorer.image("Sagittarius sky", "everything")
    layers = {name: "texture" if name == "Disc map" else "selected" for name in VIEWS}
    before = {name: explorer.image(name, layer) for name, layer in layers.items()}
    image, count = brush(explorer)
    assert 0 < image["lit"] < before["Sagittarius sky"]["lit"]
    assert 0 < number(count) < 6000
    assert explorer.image("Sagittarius sky", "everything") == grey
    for name, layer in layers.items():
        assert explorer.image(name, layer) != before[name]


def test_the_disc_map_shows_other_stars_and_all_slices_with_their_own_numbers(explorer):
    page, card = explorer.page, explorer.page.locator("section.card[aria-label='Disc map']")
    brush(explorer)
    card.get_by_role("button", name="Enlarge").click()
    explorer.wait_for_views("Disc map")
    page.wait_for_timeout(500)
    for select, value in (("Map of selected stars", "difference"), ("Slice in height", "4")):
        before = page.evaluate(TEXTURE_HASH)
        card.get_by_title(select).select_option(value)
        page.wait_for_function(f"(hash) => ({TEXTURE_HASH})() !== hash", arg=before, timeout=8000)
    card.locator("header .legend", has_text="selected - all").wait_for(timeout=8000)
    labels = page.evaluate(DISC_LABELS)
    assert len(labels) > len(set(labels)) > 2, "each map has the same numbers"
    card.get_by_role("button", name="Axes, overlays and pictures").click()
    residual = card.get_by_label("Rotation minus its mean at that radius")
    residual.click()
    card.locator("header .legend", has_text="mean(R)").wait_for(timeout=5000)
    assert residual.is_visible(), "the menu stays open"


def test_lasso_modes_undo_redo_and_clear(explorer):
    page = explorer.page
    explorer.use_tool("Lasso")
    whole = explorer.count_text()
    _, first = brush(explorer, "Abundances", LASSO)
    assert 0 < number(first) < 6000
    page.get_by_role("button", name="Subtract").click()
    _, fewer = brush(explorer, "HR diagram", LASSO)
    assert number(fewer) < number(first)
    button(explorer, "Undo").click()
    assert explorer.wait_for_count(fewer) == first
    button(explorer, "Redo").click()
    assert explorer.wait_for_count(first) == fewer
    button(explorer, "Select all stars").click()
    assert explorer.wait_for_count(fewer) == whole


def test_a_polygon_ends_with_a_double_click_or_enter_and_escape_drops_it(explorer):
    page = explorer.page
    explorer.use_tool("Polygon")
    box, whole = explorer.box("HR diagram"), explorer.count_text()

    def click(*corners, times=1):
        for fx, fy in corners:
            page.mouse.click(box["x"] + fx * box["width"], box["y"] + fy * box["height"], click_count=times)
            page.wait_for_timeout(350)  # faster clicks are double-clicks

    click((0.2, 0.2), (0.8, 0.2), (0.8, 0.8))
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    assert explorer.count_text() == whole
    click((0.2, 0.2), (0.8, 0.2))
    click((0.8, 0.8), times=2)
    first = explorer.wait_for_count(whole)
    assert 0 < number(first) < 6000
    click((0.3, 0.3), (0.7, 0.3), (0.7, 0.7))
    page.keyboard.press("Enter")
    assert 0 < number(explorer.wait_for_count(first)) < number(first)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
def test_buttons_of_views_stay_in_their_cards(visit, width, height):
    explorer = visit(width=width, height=height)
    explorer.wait_for_views()
    page = explorer.page
    brush(explorer, path=((0.3, 0.3), (0.7, 0.7)))  # some stars are hidden, and headers say so
    for drawer in (False, True):
        if drawer:
            page.keyboard.press("/")
            page.get_by_label("Filter expression").press("Escape")
        for count in (6, 8):
            page.get_by_label("Number of views").select_option(str(count))
            page.wait_for_function(f"(count) => ({CARDS})().length === count", arg=count)
            page.wait_for_timeout(500)
            assert page.evaluate(UNREACHABLE) == []
            assert page.evaluate(CUT) == []


def test_a_menu_leaves_its_card_and_closes(explorer):
    page = explorer.page
    menu, popup = page.get_by_role("button", name="Axes, overlays").last, page.locator(".stage .popup:popover-open")
    menu.click()
    popup.get_by_role("button", name="SVG").click(trial=True)
    inside = popup.bounding_box()
    assert inside["y"] + inside["height"] <= 720
    page.keyboard.press("Escape")
    assert popup.count() == 0
    menu.click()
    page.mouse.click(20, 700)
    assert popup.count() == 0
    menu.click()
    page.set_viewport_size({"width": 1300, "height": 720})
    page.wait_for_timeout(200)
    assert popup.count() == 0


def test_a_member_list_is_answered_below_its_button(explorer):
    page = explorer.page
    page.keyboard.press("/")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Member list…").click()
    chooser.value.set_files({"name": "a.csv", "mimeType": "text/csv", "buffer": b"nonsense\n1\n"})
    refused = page.locator(".side .refused[role=status]")
    refused.get_by_text("The list has no column").wait_for(timeout=5000)
    saved = page.get_by_role("heading", name="Saved views").bounding_box()
    assert refused.bounding_box()["y"] < saved["y"]
    page.get_by_role("button", name="Save view").click()
    page.get_by_text("Enter a name for the view first.").wait_for(timeout=5000)
    assert page.get_by_text("The list has no column").count() == 0


def test_shift_adds(explorer):
    _, first = brush(explorer, path=((0.3, 0.3), (0.5, 0.7)))
    explorer.page.keyboard.down("Shift")
    _, second = brush(explorer, path=((0.5, 0.2), (0.7, 0.6)))
    explorer.page.keyboard.up("Shift")
    assert number(second) > number(first)


def test_a_click_on_a_star_shows_its_spectrum(explorer, products):
    import pandas as pd

    star = pd.read_parquet(products / "catalog.parquet", columns=["obsid", "teff", "logg"]).sort_values("teff").iloc[4]
    at = explorer.pixel("HR diagram", float(star["teff"]), float(star["logg"]))
    explorer.page.mouse.click(at["x"], at["y"])
    explorer.wait_for_spectrum()
    explorer.page.get_by_text(f"obsid {int(star['obsid'])}").wait_for(timeout=5000)
    button(explorer, "Next star").click()
    explorer.page.get_by_text(f"obsid {int(star['obsid'])}").wait_for(state="detached", timeout=5000)


def test_a_click_on_a_row_shows_its_spectrum(explorer):
    explorer.page.locator(".table tbody tr").nth(2).click()
    explorer.wait_for_spectrum()


def test_few_stars_are_drawn_one_by_one(explorer):
    """Alone on screen, a view draws every star as a point of its own, grey under the selection, and tells about it."""
    page = explorer.page
    page.get_by_role("button", name="Enlarge").first.click()
    page.wait_for_function(f"() => ({LAYER})('HR diagram', 'stars').x.length > 5000", timeout=10_000)
    before = explorer.count_text()
    explorer.drag("HR diagram", BOX)
    inside = number(explorer.wait_for_count(before))
    page.wait_for_function(f"(n) => ({LAYER})('HR diagram', 'picked').x.length === n", arg=inside, timeout=10_000)
    assert page.evaluate(GREY) > 500, "stars that are not selected stay visible"
    x, y = page.evaluate(f"() => (({{x, y}}) => [x[0], y[0]])(({LAYER})('HR diagram', 'picked'))")
    at = explorer.pixel("HR diagram", x, y)
    page.mouse.move(at["x"], at["y"])
    page.get_by_text("obsid").last.wait_for(timeout=5000)
    page.get_by_role("button", name="Back", exact=True).click()
    explorer.wait_for_views("Disc map")


def test_zoom_aggregates_again(explorer):
    before = explorer.image("HR diagram", "everything")
    box = explorer.box("HR diagram")
    explorer.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    explorer.page.mouse.wheel(0, -400)
    explorer.page.wait_for_function(f"(lit) => ({LIT})() !== lit", arg=before["lit"], timeout=10_000)
    button(explorer, "Reset every zoom").click()
    explorer.page.wait_for_function(f"(lit) => ({LIT})() === lit", arg=before["lit"], timeout=10_000)


def test_longitudes_come_round(explorer):
    """Panned over 360 degrees, the model, the ring and the words under the mouse follow; no zoom leaves all turns."""
    page = explorer.page
    page.locator(".card[aria-label='Sagittarius sky']").get_by_role("button", name="Enlarge").click()
    page.wait_for_function(f"() => ({LAYER})('Sagittarius sky', 'stars').x.length > 5000", timeout=10_000)
    model = page.evaluate(MODEL)
    page.evaluate(f"() => ({SKY}).x_range.setv({{start: 200, end: 560}})")
    page.wait_for_function(f"(n) => ({MODEL})().length === 2 * n", arg=len(model), timeout=10_000)
    assert sorted(page.evaluate(MODEL)) == pytest.approx(sorted([*model, *(x + 360 for x in model)]), abs=1e-3)
    x, y = page.evaluate(
        f"""() => (({{x, y}}) => {{
          const k = Array.from(x).findIndex((one, at) => one > 400 && one < 500 && Math.abs(y[at]) < 20)
          return [x[k], y[k]]
        }})(({LAYER})('Sagittarius sky', 'stars'))"""
    )
    at = explorer.pixel("Sagittarius sky", x, y)
    page.mouse.move(at["x"], at["y"])
    words = page.locator(".bk-tooltip-content, .bk-Tooltip").filter(has_text="obsid").last
    words.wait_for(timeout=5000)
    assert 0 <= float(words.inner_text().split("Λ [deg]:")[1].split()[0]) < 360
    page.mouse.click(at["x"], at["y"])
    page.wait_for_function(f"() => ({LAYER})('Sagittarius sky', 'focus').x.length === 2", timeout=10_000)
    ring = page.evaluate(f"() => ({LAYER})('Sagittarius sky', 'focus').x")
    assert ring[1] == ring[0] + 360
    assert 400 < ring[1] < 500
    for _ in range(12):
        page.mouse.wheel(0, 2000)
    page.wait_for_function(f"(n) => ({MODEL})().length > 4 * n", arg=len(model), timeout=10_000)
    assert page.evaluate(f"() => ({SKY}).x_range.end - ({SKY}).x_range.start") <= 1800.001


def test_views_swap_and_any_column_can_be_on_an_axis(explorer):
    page = explorer.page
    page.locator(".card select.view").first.select_option("histogram")
    explorer.page.wait_for_function("() => Bokeh.documents.some(d => d.get_model_by_name('Histogram of [M/H]'))")
    page.get_by_role("button", name="Axes, overlays and pictures").first.click()
    choose_column(page, "x axis", "rv")
    page.wait_for_function("""() => Bokeh.documents.some(d => d.get_model_by_name('Histogram of RV'))""")
    count = explorer.count_text()
    page.wait_for_timeout(500)
    explorer.drag("Histogram of RV", ((0.3, 0.3), (0.6, 0.6)))
    assert 0 < number(explorer.wait_for_count(count)) < 6000


def test_zoom_ends_where_numbers_do(explorer):
    page = explorer.page
    home = page.evaluate(X_ENDS)
    box = explorer.box("HR diagram")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for step, limits in ((-900, (1e-6, 1e-3)), (900, (2.0, 200.0))):
        for _ in range(60):
            page.mouse.wheel(0, step)
        page.wait_for_timeout(400)
        low, high = page.evaluate(X_ENDS)
        assert limits[0] < abs(high - low) / abs(home[1] - home[0]) < limits[1]
    button(explorer, "Reset every zoom").click()
    page.wait_for_function(f"(home) => ({X_ENDS})()[0] === home", arg=home[0], timeout=5000)


@pytest.mark.parametrize(("view", "title"), [("histogram", "Histogram of"), ("disc", "Disc map")])
def test_the_wheel_zooms_a_view_that_was_swapped_in(explorer, view, title):
    page = explorer.page
    page.locator(".card select.view").first.select_option(view)
    page.wait_for_timeout(1500)
    box = page.locator(".card .plot").first.bounding_box()
    before = page.evaluate(WIDTHS, title)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, -400)
    changed = f"([title, old]) => String(({WIDTHS})(title)) !== String(old)"
    page.wait_for_function(changed, arg=[title, before], timeout=5000)


def test_words_follow_the_size_of_the_window(visit):
    explorer = visit(width=3840, height=2160)
    explorer.wait_for_views()
    assert explorer.page.evaluate(LETTERS) == "17px"
    explorer.page.set_viewport_size({"width": 1280, "height": 720})
    explorer.page.wait_for_function(f"() => ({LETTERS})() === '11px'", timeout=5000)


def test_views_beside_the_enlarged_one_show_what_was_selected_there(explorer):
    page = explorer.page
    before = explorer.image("HR diagram")
    count = explorer.count_text()
    page.get_by_role("button", name="Enlarge").nth(1).click()
    page.wait_for_timeout(600)
    explorer.drag("Action space", ((0.3, 0.3), (0.7, 0.7)))
    explorer.wait_for_count(count)
    page.get_by_role("button", name="Back", exact=True).click()
    assert explorer.wait_for_image("HR diagram", before)["lit"] < before["lit"]
    page.get_by_role("button", name="Enlarge").nth(1).click()
    page.get_by_label("Number of views").select_option("4")
    page.wait_for_function(f"() => ({CARDS})().length === 4", timeout=5000)
    for name in VIEWS[:4]:
        explorer.wait_for_views(name)


def test_a_link_restores_and_exports_leave(explorer, visit, tmp_path):
    page = explorer.page
    _, count = brush(explorer)
    page.locator(".card select.view").nth(1).select_option("sky")
    colour_by(page, "m_h")
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Link, export, figures of the paper").click()
    page.get_by_role("button", name="Create a link").click()
    page.wait_for_function(f"() => ({ADDRESS})().includes('?link=')", timeout=5000)
    link = page.evaluate(f"() => ({ADDRESS})()")
    with page.expect_download(timeout=30_000) as table:
        page.get_by_role("button", name="CSV", exact=True).click()
    table.value.save_as(tmp_path / "stars.csv")
    rows = [line for line in (tmp_path / "stars.csv").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert len(rows) == number(count) + 1
    with page.expect_download(timeout=60_000) as figure:
        page.get_by_title("Figure 10: action space as PDF").click()
    figure.value.save_as(tmp_path / "figure.pdf")
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")
    again = visit("?" + link.split("?")[1])
    again.wait_for_views()
    assert again.count_text() == count
    again.wait_for_views("Sky")
    assert colour_of(again.page) == "m_h"


def test_the_server_says_that_it_is_well(server):
    import urllib.request

    with urllib.request.urlopen(server.url + "health", timeout=30) as answer:
        assert json.load(answer)["ok"] is True


def test_deep_link_dark_and_about(visit):
    explorer = visit("?star=100000007")
    page = explorer.page
    page.get_by_text("obsid 100000007").first.wait_for(timeout=20_000)
    explorer.wait_for_spectrum()
    page.get_by_role("button", name="Back", exact=True).click()
    explorer.wait_for_views()
    light = page.evaluate(INK)
    page.get_by_role("button", name="Toggle theme").or_(page.locator("[aria-label='Toggle theme']")).first.click()
    page.wait_for_function(f"(old) => ({INK})() !== old", arg=light, timeout=10_000)
    page.get_by_role("tab", name="About").click()
    page.get_by_text("Scientific choices").wait_for(timeout=10_000)
    assert page.get_by_text("the file ends early").is_visible()
    assert page.get_by_text("SIMULATED DATA").is_visible()


def test_rooms_can_be_entered_faster_than_they_are_built(visit):
    explorer = visit()
    explorer.wait_for_views()
    page = explorer.page
    for visited in range(8):  # messages of a new room arrive while the next is asked for
        for room in ("Vet", "Adjudicate", "Campaigns", "Validate", "About", "Explore"):
            page.get_by_role("tab", name=room).click()
            page.wait_for_timeout(10 * visited)
    page.get_by_role("tab", name="About").click()
    page.get_by_text("Scientific choices").wait_for(timeout=20_000)
    page.get_by_role("tab", name="Explore").click()
    explorer.wait_for_views()
    brush(explorer)


def test_an_unknown_star_in_the_link_is_a_sentence(visit):
    told = visit("?star=42").page.get_by_role("status")
    told.filter(has_text="This catalogue has no star with obsid 42.").wait_for(timeout=20_000)


def test_two_visitors_do_not_disturb_each_other(visit):
    one, two = visit(), visit()
    one.wait_for_views()
    two.wait_for_views()
    before = two.image("HR diagram")
    brush(one)
    two.page.wait_for_timeout(400)
    assert two.image("HR diagram") == before
    assert "6,000 of 6,000" in two.count_text()


def test_a_build_shows_progress_and_then_opens(visit, tmp_path, products):
    """The default directory is being built by somebody else: the page follows, then opens by itself."""
    import shutil

    from explorer.model.build_lock import BuildLock

    home = tmp_path / "home"
    home.mkdir()
    lock = BuildLock(home / "demo.progress.lock")
    assert lock.take()
    line = {"stage": "labels", "index": 4, "count": 9, "fraction": 0.5, "seconds_left": 40, "message": "fold 3 of 10"}
    (home / "demo.progress.jsonl").write_text(json.dumps(line) + "\n")
    running = Server(environment={"MGIANT_HOME": str(home)})
    try:
        explorer = visit(at=running)
        explorer.page.get_by_text("Stage 5 of 9: labels").wait_for(timeout=20_000)
        assert explorer.page.get_by_text("fold 3 of 10").is_visible()
        shutil.copytree(products, home / "demo")
        lock.release()
        explorer.page.wait_for_function(
            "() => window.Bokeh && Bokeh.documents.some(d => d.get_model_by_name('HR diagram'))",
            timeout=40_000,
        )
        explorer.wait_for_views()
        assert running.complaints() == []
    finally:
        running.stop()
        running.lines.clear()  # a server that is told to stop may complain of the page that it leaves behind
