"""Keys, colours and named subsets in a real browser."""

import pytest
from driver import number

pytestmark = pytest.mark.browser

WALK = "root => [...root.querySelectorAll('*')].flatMap(e => [e, ...(e.shadowRoot ? walk(e.shadowRoot) : [])])"
KEYLESS = f"""() => {{
  const walk = {WALK}
  return walk(document).filter(e => e.matches('.stage > .card') && e.offsetParent).filter(card => {{
    const line = card.querySelector('.extras').getBoundingClientRect()
    const words = [...card.querySelectorAll('.extras > *')].filter(e => e.childNodes.length)
    const cut = words.some(e => e.getBoundingClientRect().top > line.top + 2)
    return cut === card.querySelector('button.more').hidden
  }}).map(card => card.ariaLabel)
}}"""
"""Views whose key is out of sight without a button, or in sight with one."""

CONTRASTS = f"""() => {{
  const walk = {WALK}
  const light = text => {{
    const parts = text.match(/[\\d.]+/g).map(Number)
    const line = v => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4)
    const value = 0.2126 * line(parts[0]) + 0.7152 * line(parts[1]) + 0.0722 * line(parts[2])
    return {{ value, alpha: parts[3] ?? 1 }}
  }}
  const behind = e => {{
    for (let at = e; at; at = at.parentElement ?? at.getRootNode().host) {{
      const back = light(getComputedStyle(at).backgroundColor)
      if (back.alpha > 0.99) return back.value
    }}
    return 1
  }}
  const words = '.caption span, .error span, .error, .hint, .number, .legend span, .key *'
  return walk(document).filter(e => e.matches(words))
    .filter(e => e.checkVisibility() && e.textContent.trim())
    .map(e => [light(getComputedStyle(e).color).value, behind(e), e.className + ': ' + e.textContent])
    .map(([one, other, text]) => [(Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05), text])
    .filter(([contrast]) => contrast < 4.5)
}}"""
"""Words of keys, captions and errors that are too faint (WCAG 2.2, 1.4.3)."""

PICKED = """() => {
  const { glyph, data_source: { data } } = Bokeh.documents.map(d => d.get_model_by_name('HR diagram')).find(m => m)
    .renderers.find(r => r.data_source.name === 'picked')
  return { size: glyph.size.value, rim: glyph.line_color.value, stars: data.x.length }
}"""


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720), (1024, 640)])
def test_keys_are_beside_the_title_or_behind_a_button(visit, width, height):
    explorer = visit(width=width, height=height)
    page = explorer.page
    explorer.wait_for_views("Disc map")
    page.keyboard.press("/")
    page.get_by_label("Filter expression").fill("teff < nothing")
    page.locator(".error").first.wait_for()
    page.wait_for_timeout(300)
    assert page.evaluate(KEYLESS) == []
    page.get_by_role("button", name="Key of HR diagram").click()
    page.get_by_text("Isochrones of").wait_for()
    assert page.evaluate(CONTRASTS) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Key", exact=True).click()
    assert page.locator(".look .key").inner_text().startswith("mean [M/H]")
    inside = page.locator(".look").bounding_box()
    assert inside["x"] >= 0
    assert inside["y"] + inside["height"] <= height


def test_subsets_are_hidden_renamed_and_recoloured_in_their_row(explorer):
    page = explorer.page
    page.keyboard.press("/")
    for text, name in (("teff < 3700", "cool"), ("teff > 3900", "hot")):
        page.get_by_label("Filter expression").fill(text)
        page.get_by_role("button", name="Select", exact=True).click()
        page.get_by_label("Name of the subset").fill(name)
        page.get_by_label("Name of the subset").press("Enter")
        page.get_by_role("button", name=f"Hide {name}").wait_for()
    page.get_by_label("Colour by").first.select_option("subsets")
    page.get_by_role("button", name="Hide hot").click()
    page.get_by_role("button", name="Show hot").wait_for()
    assert page.evaluate("() => document.activeElement !== document.body"), "the focus stays in the list"
    page.get_by_role("button", name="Key", exact=True).click()
    assert "hot" not in page.locator(".look .key").inner_text()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Rename, move, definition: cool").click()
    page.get_by_role("button", name="Rename…").click()
    field = page.get_by_label("New name of cool")
    field.fill("a`b")
    field.press("Enter")
    page.get_by_text("cannot name a subset").wait_for()
    field.fill("coolest")
    field.press("Enter")
    page.get_by_role("button", name="Colour of coolest").click()
    page.get_by_role("button", name="Colour #cc79a7").click()
    page.get_by_role("button", name="Key", exact=True).click()
    page.locator(".look .key", has_text="coolest").wait_for()
    style = page.locator(".look .key li", has_text="coolest").locator("i").get_attribute("style")
    assert "#cc79a7" in style


def test_a_few_selected_stars_stand_out_and_the_look_is_kept_in_a_link(explorer):
    page, before = explorer.page, explorer.count_text()
    page.keyboard.press("/")
    page.get_by_label("Filter expression").fill("logg < 0.05")
    page.get_by_role("button", name="Select", exact=True).click()
    assert 0 < number(explorer.wait_for_count(before)) <= 200
    page.wait_for_function(f"() => ({PICKED})().stars > 0")
    few = page.evaluate(PICKED)
    assert few["rim"] == "#ffffff"
    page.get_by_role("button", name="Key", exact=True).click()
    page.get_by_role("radio", name="Viridis").click()
    page.wait_for_function("() => true")
    size = page.locator(".look input[type=range]").first
    size.fill("2")
    page.wait_for_function(f"(old) => ({PICKED})().size > 1.9 * old", arg=few["size"])
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Select all stars").click()
    page.wait_for_function(f"() => ({PICKED})().rim === null")
