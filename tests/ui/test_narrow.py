"""Small windows, such as 1280 x 720 at a zoom of 125 %."""

import pytest

pytestmark = pytest.mark.browser

UNREACHABLE = """() => {
  const walk = root => [...root.querySelectorAll('*')].flatMap(e => [e, ...(e.shadowRoot ? walk(e.shadowRoot) : [])])
  const bar = walk(document).find(e => e.matches('.toolbar'))
  return [...bar.querySelectorAll('button, select, .light')].filter(e => {
    const box = e.getBoundingClientRect()
    const top = e.getRootNode().elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
    return box.width < 4 || !e.contains(top)
  }).map(e => e.ariaLabel || e.innerText)
}"""
"""Buttons, lists and the light of the toolbar that are outside the window or under something."""


@pytest.mark.parametrize(("width", "height"), [(1024, 576), (900, 600)])
def test_every_button_of_the_toolbar_is_reached(visit, width, height):
    explorer = visit(width=width, height=height)
    explorer.wait_for_views()
    assert explorer.page.evaluate(UNREACHABLE) == []
    assert explorer.page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")
