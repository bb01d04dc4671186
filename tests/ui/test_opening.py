"""Opening of any star table: columns page, corrections, explorer, orbits."""

import json
import tomllib
from pathlib import Path

import pytest
from driver import Server, colour_by, colour_of
from opening_factory import hold, make_both, write_stars

pytestmark = pytest.mark.browser

SCRIPT = Path(__file__).with_name("fake_opening_app.py")
FITS = """() => document.documentElement.scrollWidth <= window.innerWidth
  && document.documentElement.scrollHeight <= window.innerHeight"""


@pytest.fixture(scope="session")
def both(tmp_path_factory):
    return make_both(tmp_path_factory.mktemp("both"), 600)


@pytest.fixture
def opened(tmp_path, both):
    """Serves a table that waits before each of its products; gives the server and the folder of its files."""
    home, stars = tmp_path / "home", write_stars(tmp_path / "stars.csv")
    folder = hold(home / "opened", (stars,), ("hold-quick", "hold-full"))
    environment = {"MGIANT_HOME": str(home), "FAKE_PRODUCTS": str(both)}
    running = Server(str(stars), environment=environment, script=SCRIPT)
    yield running, folder
    running.stop()


def pick(page, ours, text):
    """Choose a column of the file for one of ours, by typing."""
    page.get_by_role("button", name=f"Column of stars.csv for {ours}").click()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def test_a_table_opens_is_corrected_and_gets_its_orbits(visit, opened):
    server, folder = opened
    explorer = visit(at=server)
    page = explorer.page
    page.get_by_text("Computing the catalogue").wait_for(timeout=20_000)
    for width, height in ((1920, 1080), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        page.get_by_role("button", name="Column of stars.csv for distance").wait_for()
        assert page.evaluate(FITS)
    assert page.get_by_text("98.8 %").first.is_visible()
    assert page.get_by_role("button", name="Apply").is_disabled()

    pick(page, "distance", "d_p")
    page.get_by_role("button", name="Undo the change of distance").click()
    assert page.get_by_role("button", name="Apply").is_disabled()
    pick(page, "distance", "d_p")
    page.get_by_label("Unit of distance").select_option("pc")
    (folder / "hold-quick").unlink()
    page.get_by_role("button", name="Open the explorer").wait_for(timeout=20_000)
    page.wait_for_timeout(1500)
    assert page.get_by_text("1 change").is_visible(), "nobody is taken away who is at work"
    with page.expect_download() as got:
        page.get_by_role("button", name="Download configuration").click()
    wanted = {"distance": {"column": "d_pc", "unit": "pc"}}
    assert tomllib.loads(Path(got.value.path()).read_text())["input"]["source"][0]["columns"] == wanted

    (folder / "hold-quick").touch()
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("corrected", exact=True).wait_for(timeout=20_000)
    assert tomllib.loads((folder / "open.toml").read_text())["input"]["source"][0]["columns"] == wanted
    page.get_by_role("button", name="Toggle theme").or_(page.locator("[aria-label='Toggle theme']")).first.click()
    (folder / "hold-quick").unlink()
    explorer.wait_for_views()
    page.get_by_text("Orbits and stream membership are being computed: 0 %, about 20 s left").wait_for(timeout=20_000)
    assert page.locator(".explore.dark").count() == 1, "as dark as the page before"
    colour_by(page, "m_h")
    page.wait_for_timeout(500)

    (folder / "hold-full").unlink()
    page.get_by_role("button", name="Show them").click(timeout=20_000)
    explorer.wait_for_views("Action space")
    assert colour_of(page) == "m_h"
    assert page.get_by_text("Orbits and stream membership").count() == 0
    assert "link=" not in page.url

    page.get_by_role("tab", name="About").click()
    with page.context.expect_page() as other:
        page.get_by_role("link", name="Open the columns page").click()
    columns = other.value
    columns.get_by_text("The catalogue is ready").wait_for(timeout=20_000)
    columns.get_by_text("corrected", exact=True).wait_for()
    columns.wait_for_timeout(1500)
    assert columns.url.endswith("?columns"), "who asked for this page stays"
    columns.get_by_role("button", name="Open the explorer").click()
    columns.get_by_role("tab", name="Explore").wait_for(timeout=20_000)
    assert "columns" not in columns.url
    columns.close()


def test_uninterpretable_columns_are_reported_where_they_are_corrected(visit, tmp_path, both):
    home, stars = tmp_path / "home", tmp_path / "stars.csv"
    names = ["obsid", "RA", "DEC", "d1", "d2", *(f"other_column_{k}" for k in range(5000))]
    stars.write_text("\n".join(",".join(line) for line in (names, ["1"] * len(names))))
    server = Server(str(stars), environment={"MGIANT_HOME": str(home), "FAKE_PRODUCTS": str(both)}, script=SCRIPT)
    try:
        explorer = visit(at=server)
        page = explorer.page
        page.get_by_role("alert").filter(has_text="Two columns may be distance: 'd1' and 'd2'").wait_for(timeout=20_000)
        assert page.get_by_text("stars.csv cannot be opened").is_visible()
        page.get_by_role("button", name="Column of stars.csv for distance").click()
        page.get_by_text("4,806 more: type to narrow").wait_for()
        page.keyboard.press("Escape")
        pick(page, "distance", "d2")
        page.get_by_role("button", name="Apply").click()
        explorer.wait_for_views("Action space")
        (folder,) = (home / "opened").glob("*/open.toml")
        assert '{distance = "d2"}' in folder.read_text()
        assert len(json.loads((folder.parent / "understood.json").read_text())["tables"][0]["names"]) == 5005
    finally:
        server.stop()
