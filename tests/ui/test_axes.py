"""Axes of the views in a real browser: ticks at any size, and the form of the view's menu."""

import pytest
from driver import brush, number

pytestmark = pytest.mark.browser

TICKS = """() => Object.fromEntries(
  Bokeh.documents.flatMap((d) => d.roots()).filter((m) => m.below && m.left).map((figure) => {
    const labels = (axis, k) => {
      const view = Bokeh.index.find_one_by_id(axis.id)
      return view ? view.compute_labels(view.tick_coords.major[k]).items.map((label) => label.text) : []
    }
    return [figure.name, [labels(figure.below[0], 0), labels(figure.left[0], 1)]]
  })
)"""
"""Labels of the ticks of each figure, along x and along y."""

SPECTRA = ("Spectrum", "Residuals")

HR = "Bokeh.documents.map((d) => d.get_model_by_name('HR diagram')).find((m) => m)"

BARS = """(name) => {
  const figure = Bokeh.documents.map((d) => d.get_model_by_name(name)).find((m) => m)
  const { data } = figure.renderers.map((r) => r.data_source).find((s) => s.name === 'errors')
  return data.xs.reduce((sum, part) => sum + part.length, 0) / 3
}"""
"""Number of error bars of a figure."""


@pytest.mark.parametrize(("width", "height"), [(1024, 640), (820, 640)])
def test_every_axis_has_three_ticks(visit, width, height):
    explorer = visit(width=width, height=height)
    explorer.wait_for_views()
    explorer.wait_for_views("Disc map")
    shown = {name: ticks for name, ticks in explorer.page.evaluate(TICKS).items() if name not in SPECTRA}
    assert len(shown) == 6
    for name, along in shown.items():
        for labels in along:
            assert len(labels) >= 3, (name, labels)
            assert len(set(labels)) == len(labels), (name, labels)


def test_axes_are_changed_by_keyboard_in_the_menu_of_a_view(explorer):
    page = explorer.page
    menu = page.get_by_role("button", name="Axes, overlays and pictures").first
    menu.focus()
    page.keyboard.press("Enter")
    form = page.get_by_role("group", name="Axes").first
    form.get_by_label("X scale").focus()
    form.get_by_label("X scale").select_option("log")
    page.wait_for_function(f"() => ({HR}).x_range.start < 10")
    form.locator("select[aria-label='X scale']:focus").wait_for()  # the keyboard stays there
    form.get_by_label("X minimum in K").fill("3500")
    form.get_by_label("X minimum in K").press("Enter")
    page.wait_for_function(f"() => (({TICKS})()['HR diagram']?.[0] ?? ['3400']).every((text) => Number(text) >= 3500)")
    assert form.get_by_label("X minimum in K").input_value() == "3500"
    form.get_by_label("X maximum in K").fill("3 parrots")
    form.get_by_label("X maximum in K").press("Enter")
    page.get_by_text("is no unit of Teff").wait_for()
    page.keyboard.press("Escape")
    assert not form.is_visible()
    _, count = brush(explorer)
    assert 0 < number(count) < 6000


def test_errors_of_the_selected_stars_follow_the_brush(explorer):
    page = explorer.page
    brush(explorer)
    page.get_by_role("button", name="Axes, overlays and pictures").first.click()
    page.get_by_label("Error bars").first.click()
    page.wait_for_function(f"() => ({BARS})('HR diagram') > 0")
    page.keyboard.press("Escape")
    before = page.evaluate(BARS, "HR diagram")
    count = number(explorer.count_text())
    assert before == 2 * count, "a bar along each axis"
    brush(explorer, path=((0.5, 0.1), (0.7, 0.4)))
    page.wait_for_function(f"(before) => ({BARS})('HR diagram') !== before", arg=before)
