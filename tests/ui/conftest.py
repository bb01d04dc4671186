"""A real server and a real Chromium for the journeys."""

import os
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "explorer")]

from driver import Explorer, Server, find_chromium, launch  # noqa: E402 - after the path
from products_factory import make_products  # noqa: E402 - after the path

N_STARS = 6000
"""Six views of so many are images; one view alone draws them one by one."""


@pytest.fixture(scope="session")
def chromium() -> str:
    found = find_chromium()
    if found is None:
        reason = "No Chromium was found: run `python -m playwright install chromium` or name one in MGIANT_CHROMIUM."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")  # its event loop runs in this thread, where tests of other files start their own
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = launch(playwright, chromium)
        yield running
        running.close()


@pytest.fixture(scope="session")
def products(tmp_path_factory):
    return make_products(tmp_path_factory.mktemp("ui") / "invented", N_STARS)


@pytest.fixture(scope="session")
def server(products):
    running = Server(str(products), token=True)
    yield running
    running.stop()


@pytest.fixture
def visit(browser, server):
    """Opens pages; afterwards none may have logged an error or asked another host."""
    opened = []

    def open_page(
        query: str = "?afresh=1", *, width: int = 1280, height: int = 720, at: Server | None = None
    ) -> Explorer:
        page = browser.new_page(viewport={"width": width, "height": height})
        explorer = Explorer(page, at or server, query)
        opened.append(explorer)
        return explorer

    yield open_page
    for explorer in opened:
        assert explorer.console_errors == []
        assert explorer.foreign == []
        assert explorer.server.complaints() == []
        explorer.page.close()


@pytest.fixture
def explorer(visit):
    """A page with its views."""
    page = visit()
    page.wait_for_views()
    page.wait_for_views("Disc map")
    return page
