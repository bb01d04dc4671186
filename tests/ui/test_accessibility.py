"""Accessibility of every room and dialog by axe-core: nothing critical or serious in light and dark."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
"""The checker of axe-core, as the package ships it."""

RUN = """() => axe.run(document, {resultTypes: ['violations']}).then(({violations, passes}) => ({
  checks: passes.length,
  found: violations.filter(({impact}) => ['critical', 'serious'].includes(impact)).flatMap(
    ({id, nodes}) => nodes.map(({html, any}) => `${id}: ${html.slice(0, 160)} ${any[0]?.message ?? ''}`))
}))"""


class Reader:
    """Checks what a page shows."""

    def __init__(self, page) -> None:
        self.page = page
        page.evaluate(AXE)

    def check(self, what: str) -> None:
        """Wait until the page is quiet, then check it."""
        self.page.wait_for_timeout(400)
        result = self.page.evaluate(RUN)
        assert result["checks"] > 10, "the checker read nothing"
        assert result["found"] == [], what


@pytest.fixture(params=["light", "dark"])
def reader(visit, request):
    explorer = visit()
    page = explorer.page
    explorer.wait_for_views("Disc map")
    if request.param == "dark":
        page.get_by_role("button", name="Toggle theme").or_(page.locator("[aria-label='Toggle theme']")).first.click()
        page.locator(".explore.dark").first.wait_for(timeout=10_000)
        page.wait_for_timeout(600)  # the transition of Material's colours
    return Reader(page)


def test_explore_and_its_dialogs(reader):
    page = reader.page
    reader.check("Explore")
    page.locator(".dock tbody tr").first.click()
    page.locator(".star .facts table").first.wait_for(timeout=15_000)
    reader.check("the star's card")
    for name in ("Lines", "Refit", "Evidence", "Compare"):
        page.locator(".star").get_by_role("button", name=name, exact=True).click()
        reader.check(f"{name} of the star")
    for name in ("Compare samples", "Fit"):
        page.locator(".dock").get_by_role("button", name=name, exact=True).click()
        reader.check(name)
    page.get_by_role("button", name="Filter, subsets").click()
    page.get_by_placeholder("teff < 3800").wait_for(timeout=5000)
    reader.check("the filter panel")
    for name in ("Link, export", "Help and shortcuts"):
        page.get_by_role("button", name=name).click()
        page.get_by_role("dialog").wait_for(timeout=5000)
        reader.check(name)
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Axes, overlays and pictures").first.click()
    reader.check("the menu of a view")


@pytest.mark.parametrize(
    ("room", "shows"),
    [
        ("Vet", "There is no campaign yet"),
        ("Adjudicate", "There is no campaign yet"),
        ("Validate", "Physics checks"),
        ("Campaigns", "Start a campaign"),
        ("About", "This catalogue"),
    ],
)
def test_other_rooms(reader, room, shows):
    reader.page.get_by_role("tab", name=room).click()
    reader.page.get_by_text(shows).filter(visible=True).first.wait_for(timeout=20_000)
    reader.check(room)
