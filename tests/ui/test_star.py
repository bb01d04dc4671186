"""One star in a real browser: link, keys, sliders, mask, refit and proposal."""

import pytest
from driver import Server
from star_factory import ALL_MASKED, make_star_products

pytestmark = pytest.mark.browser

_DATA = "(name) => Bokeh.documents.map(d => d.get_model_by_name(name)).find(m => m).data"
_ENDS = """() => {
  const { start, end } = Bokeh.documents.map(d => d.get_model_by_name('Spectrum')).find(m => m).x_range
  return [start, end]
}"""
STAR = 100_000_003


@pytest.fixture(scope="module")
def star_server(tmp_path_factory):
    running = Server(str(make_star_products(tmp_path_factory.mktemp("stars") / "invented")))
    yield running
    running.stop()


@pytest.fixture
def star(visit, star_server):
    explorer = visit(f"?star={STAR}", at=star_server)
    explorer.wait_for_spectrum()
    return explorer


def tab(page, name):
    page.get_by_role("group", name="About the star").get_by_role("button", name=name).click()


def test_a_link_gives_a_star_the_page_and_keys_lead_on(star):
    page = star.page
    assert page.locator(".stage").is_hidden()
    page.get_by_text("simulated", exact=True).wait_for()
    page.keyboard.press("j")
    page.get_by_text(f"obsid {STAR + 1}").wait_for(timeout=15_000)
    page.keyboard.press("k")
    page.get_by_text(f"obsid {STAR}").wait_for(timeout=15_000)
    page.keyboard.press("z")
    page.wait_for_function(
        "() => Bokeh.documents.map(d => d.get_model_by_name('Spectrum')).find(m => m).x_range.start > 8000"
    )
    page.keyboard.press("g")
    page.keyboard.type(f"{ALL_MASKED}\n")
    page.get_by_text(f"All pixels of obsid {ALL_MASKED} are masked").wait_for(timeout=15_000)
    page.keyboard.press("g")
    page.keyboard.type("42\n")
    page.get_by_text("no star with obsid 42").wait_for(timeout=15_000)
    page.get_by_role("button", name="Back", exact=True).click()
    page.locator(".stage").wait_for(state="visible", timeout=15_000)


def test_a_zoom_by_wheel_stays_for_the_next_star(star):
    page = star.page
    whole = page.evaluate(_ENDS)
    box = star.box("Spectrum")
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.wheel(0, -400)
    page.wait_for_function(f"(whole) => ({_ENDS})()[0] > whole[0] + 500", arg=whole)
    zoomed = page.evaluate(_ENDS)
    page.keyboard.press("j")
    page.get_by_text(f"obsid {STAR + 1}").wait_for(timeout=15_000)
    page.keyboard.press("s")
    page.wait_for_function(f"() => ({_DATA})('residuals').pull.length > 1000")
    assert page.evaluate(_ENDS) == pytest.approx(zoomed, rel=1e-6)
    page.keyboard.press("x")
    page.wait_for_function(f"(whole) => Math.abs(({_ENDS})()[0] - whole[0]) < 1", arg=whole)


def test_slider_mask_refit_and_proposal(star):
    page = star.page
    tab(page, "Refit")
    page.get_by_label("Teff of the model").evaluate("s => { s.value = s.min; s.dispatchEvent(new Event('input')) }")
    page.wait_for_function(f"() => ({_DATA})('trial').w.length > 1000", timeout=15_000)
    page.get_by_role("button", name="Reset", exact=True).click()
    page.wait_for_function(f"() => ({_DATA})('trial').w.length === 0", timeout=15_000)
    page.get_by_role("button", name="Mask", exact=True).click()
    star.drag("Spectrum", ((0.4, 0.5), (0.45, 0.5)))
    page.get_by_text("1 stretch masked").wait_for(timeout=15_000)
    page.locator(".refit button.main").click()
    page.get_by_text("converged").wait_for(timeout=20_000)
    page.get_by_label("Why").fill("cosmic ray")
    page.get_by_role("button", name="Propose").click()
    page.get_by_text("Recorded for vetting: cosmic ray").wait_for(timeout=15_000)
    page.keyboard.down("Shift")
    star.drag("Spectrum", ((0.35, 0.5), (0.5, 0.5)))
    page.keyboard.up("Shift")
    page.get_by_text("Mask: drag with the mask tool").wait_for(timeout=15_000)


def test_residuals_follow_the_trial(star):
    page = star.page
    label = "() => Bokeh.documents.map(d => d.get_model_by_name('Residuals')).find(m => m).left[0].axis_label"
    pull = f"() => Array.from(({_DATA})('residuals').pull.filter(Number.isFinite).slice(0, 50))"
    published = page.evaluate(pull)
    assert page.evaluate(label).startswith("residual")
    tab(page, "Refit")
    page.get_by_label("Teff of the model").evaluate("s => { s.value = s.min; s.dispatchEvent(new Event('input')) }")
    page.wait_for_function(f"() => ({label})().startsWith('trial')", timeout=15_000)
    assert page.evaluate(pull) != published
    assert page.locator(".legend.lines").inner_text().split("\n")[-1] == "trial model"
    page.get_by_role("button", name="Reset", exact=True).click()
    page.wait_for_function(f"() => ({label})().startsWith('residual')", timeout=15_000)
    assert page.evaluate(pull) == published


def test_the_menu_follows_keys_and_closes(star):
    page = star.page
    menu, box = page.get_by_role("button", name="What the figure shows, and files"), page.get_by_label("Model (m)")
    menu.click()
    assert box.is_checked()
    page.keyboard.press("m")
    assert not box.is_checked()
    page.keyboard.press("Escape")
    assert box.is_hidden()
    menu.click()
    page.mouse.click(300, 500)
    assert box.is_hidden()


def test_no_pin_is_thrown_out_for_a_fifth(star):
    page = star.page
    tab(page, "Compare")
    pin = page.get_by_role("button", name="Pin this star")
    for number in range(4):
        pin.click()
        page.keyboard.press("j")
        page.get_by_text(f"obsid {STAR + 1 + number}").wait_for(timeout=15_000)
    assert pin.is_disabled()
    assert "unpin one first" in pin.get_attribute("title")
    assert page.get_by_role("button", name=f"Unpin {STAR}").is_visible()


def test_a_star_alone_has_no_tools_for_views(star):
    page = star.page
    page.get_by_role("button", name="Help and shortcuts (?)").wait_for()
    for name in ("Lasso", "Subtract", "Reset every zoom (x)"):
        assert page.get_by_role("button", name=name, exact=True).is_hidden()
    assert page.get_by_label("Number of views").is_hidden()


def test_evidence_and_stars_side_by_side(star):
    page = star.page
    tab(page, "Evidence")
    page.get_by_text("Nearest training star at").wait_for(timeout=20_000)
    page.get_by_text("Draws from the likelihood").wait_for(timeout=30_000)
    page.get_by_role("button", name="by labels").first.click()
    page.get_by_role("button", name="Pin 1").first.click()
    page.wait_for_function(f"() => ({_DATA})('pins').xs.length === 1", timeout=15_000)
    tab(page, "Compare")
    page.get_by_role("button", name="Ratio").click()
    page.wait_for_function(f"() => ({_DATA})('against').xs.length === 1", timeout=15_000)
    tab(page, "Evidence")
    page.get_by_role("button", name="by spectrum").last.click()
    page.wait_for_function("() => true")
    page.get_by_text("21 stars are selected in the views.").wait_for(timeout=20_000)
    page.get_by_role("button", name="Back", exact=True).click()
    page.locator(".count b", has_text="21").wait_for(timeout=20_000)


_FIT = f"() => ({_DATA})('fit').w.length"


def test_lines_are_shown_stepped_through_and_measured(star):
    page = star.page
    tab(page, "Lines")
    page.get_by_label("Lines to show").fill("Mine 8538.0\nOther 8700.1\n")
    page.get_by_label("Medium of the wavelengths").select_option("vacuum")
    page.get_by_label("Name of the list").fill("own")
    page.get_by_role("button", name="Show lines").click()
    page.wait_for_function(f"() => Array.from(({_DATA})('features').name).includes('Mine')", timeout=15_000)
    page.get_by_label("Lines to step through").select_option("own")
    page.locator(".star header strong").first.click()
    page.keyboard.press("n")
    page.wait_for_function(f"() => Math.abs(({_ENDS})()[0] - 8498) < 1", timeout=15_000)
    page.get_by_text("Mine 8538.00 Å (vacuum), 1 of 2").wait_for()
    page.keyboard.press("i")
    star.drag("Spectrum", ((0.4, 0.5), (0.8, 0.5)))
    page.wait_for_function(f"() => ({_FIT})() > 100", timeout=15_000)
    row = page.locator(".measured tr", has_text="Equivalent width")
    assert " ± " in row.inner_text()
    page.get_by_role("button", name="Pseudo").click()
    page.locator(".measured .hint", has_text="pseudo-continuum").wait_for(state="attached", timeout=15_000)
    page.get_by_role("button", name="End the measurement").click()
    page.wait_for_function(f"() => ({_FIT})() === 0", timeout=15_000)
    page.get_by_role("button", name="What the figure shows, and files").click()
    page.get_by_label("Wavelengths in air").check()
    page.wait_for_function(f"() => Math.abs(({_ENDS})()[0] - 8495.66) < 0.1", timeout=15_000)


def test_a_zoom_frames_the_residuals_and_both_figures_begin_at_one_place(star):
    page = star.page
    end = "() => Bokeh.documents.map(d => d.get_model_by_name('Residuals')).find(m => m).y_range.end"
    tab(page, "Refit")
    page.get_by_label("Teff of the model").evaluate("s => { s.value = s.min; s.dispatchEvent(new Event('input')) }")
    page.wait_for_function(f"() => ({_DATA})('trial').w.length > 1000", timeout=15_000)
    whole = page.evaluate(end)
    star.drag("Spectrum", ((0.3, 0.2), (0.34, 0.8)))
    page.wait_for_function(f"(whole) => ({end})() !== whole", arg=whole, timeout=15_000)
    assert star.box("Spectrum")["x"] == pytest.approx(star.box("Residuals")["x"], abs=1.0)
    assert star.box("Spectrum")["width"] == pytest.approx(star.box("Residuals")["width"], abs=1.0)


def test_small_spectra_open_their_star_by_keyboard(visit, star_server):
    explorer = visit(at=star_server)
    page = explorer.page
    page.locator(".table tbody tr").first.click()
    explorer.wait_for_spectrum()
    page.get_by_role("button", name="Spectra of the selection").click()
    thumbs = page.locator(".thumbs button")
    thumbs.nth(39).wait_for()
    inked = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(value => value > 0)"
    assert thumbs.nth(3).locator("canvas").evaluate(inked)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_text(f"obsid {STAR - 2}").wait_for(timeout=15_000)
    page.keyboard.press("PageDown")
    page.get_by_text("41 to 80 of 120").wait_for(timeout=15_000)
    page.keyboard.press("Escape")
    page.locator(".stage").wait_for(state="visible")
