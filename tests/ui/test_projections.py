"""The projected sky and the turned space in a browser: drags, keys, regions, tooltips and links."""

import pytest
from driver import number

pytestmark = [pytest.mark.browser, pytest.mark.long]

SKY, SPACE = "Projected sky", "Space in 3-D"
_TURN = """(name) => {
  const figure = Bokeh.documents.map(d => d.get_model_by_name(name)).find(m => m)
  return figure.renderers.find(r => r.data_source.name === 'marks').data_source.data.x[0]
}"""
_LABELS = """(name) => {
  const figure = Bokeh.documents.map(d => d.get_model_by_name(name)).find(m => m)
  return figure.renderers.find(r => r.data_source.name === 'labels').data_source.data.text
}"""


@pytest.fixture
def page(explorer):
    """The grid with both views in place of the first two."""
    views = explorer.page.get_by_label("View", exact=True)
    views.nth(0).select_option("sky_map")
    explorer.wait_for_views(SKY)
    views.nth(1).select_option("space_3d")
    explorer.wait_for_views(SPACE)
    return explorer


def use(explorer, key, tool):
    """Choose by its key what a drag does, and wait until the figures know."""
    explorer.page.keyboard.press(key)
    explorer.page.wait_for_function(
        """([name, tool]) => Bokeh.documents.map(d => d.get_model_by_name(name)).find(m => m)
          .toolbar.tools[0].type.startsWith(tool)""",
        arg=[SKY, tool],
    )


def drag(explorer, name, right, down, *, shift=False, frames=0):
    """Drag from the middle of a figure with the present tool; returns what is painted over it in each frame."""
    box, mouse = explorer.box(name), explorer.page.mouse
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    if shift:
        explorer.page.keyboard.down("Shift")
    mouse.move(x, y)
    mouse.down()
    painted = []
    for step in range(1, frames + 1):
        mouse.move(x + right * step / frames, y + down * step / frames)
        explorer.page.evaluate("() => new Promise(requestAnimationFrame)")
        painted.append(explorer.page.locator("canvas.turning").evaluate("(el) => el.hidden ? '' : el.toDataURL()"))
    mouse.move(x + right, y + down)
    mouse.up()
    if shift:
        explorer.page.keyboard.up("Shift")
    return painted


def test_a_lasso_on_the_projected_sky_selects_stars(page):
    labels = page.page.evaluate(_LABELS, SKY)
    assert "+30°" in labels
    count = page.count_text()
    use(page, "o", "Lasso")
    page.drag(SKY, ((0.05, 0.3), (0.4, 0.3), (0.4, 0.7), (0.05, 0.7), (0.05, 0.32)))
    assert 0 < number(page.wait_for_count(count)) < number(count)


def test_the_menu_chooses_projection_frame_and_centre(page):
    card = page.page.get_by_role("region", name=SKY)
    card.get_by_role("button", name="Axes, overlays and pictures").click()
    card.get_by_label("Projection").select_option("zenithal")
    card.get_by_role("button", name="North").click()
    card.get_by_label("Coordinates").select_option("icrs")
    card.get_by_text("Zenithal, ICRS").wait_for(state="attached")
    page.wait_for_views(SKY)
    assert card.get_by_label("Latitude of the centre in degrees").input_value() == "90"
    card.get_by_label("Graticule").uncheck()
    page.page.wait_for_function(
        """(name) => !Bokeh.documents.map(d => d.get_model_by_name(name)).find(m => m)
          .renderers.find(r => r.data_source.name === 'graticule').visible""",
        arg=SKY,
    )
    card.get_by_label("Longitude of the centre in degrees").fill("many")
    card.get_by_label("Longitude of the centre in degrees").press("Enter")
    page.page.get_by_text("is no value of RA").wait_for()


def test_a_drag_turns_the_space_and_a_region_keeps_the_direction(page):
    use(page, "p", "Pan")
    before, stars = page.page.evaluate(_TURN, SPACE), page.image(SPACE)
    frames = drag(page, SPACE, 120, 30, frames=8)
    page.wait_for_image(SPACE, stars)
    assert len({*frames} - {""}) >= 7, "it turns with the mouse"
    page.page.wait_for_function(f"([name, x]) => ({_TURN})(name) !== x", arg=[SPACE, before])
    page.page.locator("canvas.turning").first.wait_for(state="hidden")
    turned, stars = page.page.evaluate(_TURN, SPACE), page.image(SPACE)

    star = page.page.locator(".star").first.inner_text()
    page.page.locator(".card .plot[role=application]").focus()
    page.page.keyboard.press("ArrowLeft")
    page.page.wait_for_function(f"([name, x]) => ({_TURN})(name) !== x", arg=[SPACE, turned])
    page.wait_for_image(SPACE, stars)
    assert page.page.locator(".star").first.inner_text() == star, "the arrow did not step to another star"

    count = page.count_text()
    use(page, "b", "Box")
    page.drag(SPACE, ((0.3, 0.3), (0.6, 0.7)))
    assert 0 < number(page.wait_for_count(count)) < number(count)


def test_a_drag_with_shift_moves_the_space(page):
    ends = "(name) => Bokeh.documents.map(d => d.get_model_by_name(name)).find(m => m).x_range.start"
    use(page, "p", "Pan")
    before = page.page.evaluate(ends, SPACE)
    drag(page, SPACE, 60, 0, shift=True)
    assert page.page.evaluate(ends, SPACE) < before
