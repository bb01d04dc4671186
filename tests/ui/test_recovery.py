"""Recovery of an open page after the server stops."""

import pytest
from driver import Server, brush

pytestmark = pytest.mark.browser


def test_a_lost_connection_is_reported_in_every_room_and_the_page_is_restored(visit, products, tmp_path):
    environment = {"MGIANT_HOME": str(tmp_path / "home")}
    running = Server(str(products), environment=environment)
    explorer = visit(at=running)
    page = explorer.page
    explorer.wait_for_views()
    _, count = brush(explorer)
    explorer.use_tool("Lasso")
    page.keyboard.press("/")
    page.get_by_label("Filter expression").fill("teff < 37")
    page.get_by_role("tab", name="About").click()
    page.get_by_text("Scientific choices").wait_for(timeout=10_000)
    page.wait_for_timeout(2600)
    running.stop()
    running.lines.clear()
    page.get_by_text("The connection to the server is lost").wait_for(timeout=10_000)
    again = Server(str(products), environment=environment, port=int(running.url.rsplit(":", 1)[1].strip("/")))
    try:
        page.get_by_text("The connection to the server is lost").wait_for(state="detached", timeout=30_000)
        page.get_by_text("Scientific choices").wait_for(timeout=30_000)
        page.get_by_role("tab", name="Explore").click()
        explorer.wait_for_views()
        assert explorer.count_text() == count
        assert page.get_by_label("Filter expression").input_value() == "teff < 37"
        assert page.get_by_role("button", name="Lasso", exact=True).get_attribute("aria-pressed") == "true"
        assert "link=" not in page.url, "what is on screen from now on is not what that link shows"
    finally:
        again.stop()
        explorer.console_errors.clear()  # the browser speaks of the server that was away


def test_a_page_survives_two_restarts_of_the_server(visit, products, tmp_path):
    environment = {"MGIANT_HOME": str(tmp_path / "home")}
    running = Server(str(products), environment=environment)
    port = int(running.url.rsplit(":", 1)[1].strip("/"))
    explorer = visit("?star=100000007", at=running)
    page = explorer.page
    try:
        for _ in range(2):
            explorer.wait_for_spectrum()
            page.wait_for_timeout(1000)
            running.process.kill()
            running.stop()
            page.get_by_text("The connection to the server is lost").wait_for(timeout=10_000)
            running = Server(str(products), environment=environment, port=port)
            page.get_by_text("The connection to the server is lost").wait_for(state="detached", timeout=30_000)
            page.get_by_text("obsid 100000007").first.wait_for(timeout=20_000)
            assert page.url.endswith("?star=100000007")
        assert page.get_by_role("button", name="Back", exact=True).is_visible()
        assert running.complaints() == []
    finally:
        running.stop()
        explorer.server.lines.clear()
        explorer.console_errors.clear()  # the browser speaks of the server that was away
