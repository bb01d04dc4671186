"""An unreachable record: the rest works, and vetting continues without a restart."""

import sqlite3
from contextlib import closing

import pytest
from driver import Server, brush

pytestmark = pytest.mark.browser


def test_without_a_record_explore_works_and_vet_comes_back_with_it(visit, products, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    record = home / "vetting.sqlite"
    record.write_bytes(b"no database at all" * 100)
    running = Server(str(products), environment={"MGIANT_HOME": str(home)})
    running.expected = ("cannot be opened: file is not a database",)
    try:
        explorer = visit(at=running)
        page = explorer.page
        explorer.wait_for_views()
        brush(explorer)
        for room, text in (("Validate", "Nothing to compare"), ("About", "Scientific choices")):
            page.get_by_role("tab", name=room).click()
            page.get_by_text(text).first.wait_for(timeout=20_000)
        for room in ("Vet", "Adjudicate", "Campaigns"):
            page.get_by_role("tab", name=room).click()
            page.get_by_text("cannot be opened: file is not a database").locator("visible=true").wait_for(
                timeout=20_000
            )
        page.screenshot(path=str(tmp_path / "record_down.png"))
        record.unlink()
        page.get_by_text("Start a campaign").wait_for(timeout=30_000)
        page.get_by_label("Name of the campaign").fill("after the trouble")
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_text("Campaign after the trouble has started.").wait_for(timeout=20_000)
        page.get_by_role("tab", name="Vet").click()
        page.locator(".vetting.vet .star header strong").first.wait_for(timeout=20_000)
        page.wait_for_timeout(500)
        page.keyboard.press("3")
        page.locator(".vetting.vet .controls .hint", has_text="1 judged").or_(
            page.locator(".vetting.vet .controls .hint", has_text="left for you")
        ).first.wait_for(timeout=20_000)
        page.wait_for_timeout(1500)
        page.screenshot(path=str(tmp_path / "record_back.png"))
        with closing(sqlite3.connect(record)) as database:
            assert database.execute("SELECT verdict FROM event").fetchall() == [(3,)]
    finally:
        running.stop()
