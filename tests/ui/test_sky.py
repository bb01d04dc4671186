"""The sky around a star in a real browser: asked for by a click, through the server, from a loopback service."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from driver import Server
from products_factory import make_products

sys.path.insert(1, str(Path(__file__).parents[1] / "archives"))

from faults import Fault
from http_archive import HttpArchive
from sky_archive import RED

pytestmark = [pytest.mark.browser, pytest.mark.long]

_CENTRE = """async (image) => {
  await image.decode()
  const canvas = document.createElement("canvas")
  canvas.width = image.naturalWidth
  canvas.height = image.naturalHeight
  const context = canvas.getContext("2d")
  context.drawImage(image, 0, 0)
  const size = [image.naturalWidth, image.naturalHeight]
  return [...size, ...context.getImageData(size[0] / 2, size[1] / 2, 1, 1).data.slice(0, 3)]
}"""


@pytest.fixture(scope="module")
def archive():
    with HttpArchive() as running:
        yield running
        assert running.server.errors == []


@pytest.fixture(scope="module")
def sky_server(tmp_path_factory, archive):
    folder = tmp_path_factory.mktemp("sky")
    product = make_products(folder / "real", 40, simulated=False)
    star = pd.read_parquet(product / "catalog.parquet").iloc[3]
    service = archive.add_sky()
    service.stars = [(star["ra"], star["dec"], RED)]
    service.named = [("V* AB Cyg", "LP*", star["ra"], star["dec"], "V* AB Cyg|HD 1")]
    profile = service.profile(folder / "sky.toml")
    environment = {"MGIANT_HOME": str(folder / "home")}
    arguments = ("--sky-images", "on", "--sky-profile", str(profile))
    running = Server(str(product), *arguments, environment=environment)
    running.star = int(star["obsid"])
    yield running
    running.stop()


def test_a_click_shows_the_star_at_the_cross_and_a_fault_is_a_sentence(visit, sky_server, archive):
    explorer = visit(f"?star={sky_server.star}", at=sky_server)
    explorer.wait_for_spectrum()
    page, sky = explorer.page, explorer.page.locator(".sky")
    tabs = page.get_by_role("group", name="About the star")
    tabs.get_by_role("button", name="Sky").click()
    sky.get_by_text("This server sends the star's coordinates to hips2fits").wait_for()
    assert len(archive.log) == 0
    sky.get_by_role("button", name="Show image").click()
    sky.locator("img").wait_for()
    width, height, *colour = sky.locator("img").evaluate(_CENTRE)
    assert (width, height) == (480, 480)
    assert colour == pytest.approx(RED, abs=40)
    frame, cross = sky.locator("img").bounding_box(), sky.locator("line.cross").all()
    arms = [arm.bounding_box() for arm in cross]
    assert sum(arm["x"] + arm["width"] / 2 for arm in arms) / 4 == pytest.approx(frame["x"] + frame["width"] / 2, abs=1)
    middle = sum(arm["y"] + arm["height"] / 2 for arm in arms) / 4
    assert middle == pytest.approx(frame["y"] + frame["height"] / 2, abs=1)

    archive.faults.append(Fault("login_page"))
    sky.get_by_label("Survey").select_option("allwise")
    sky.get_by_text("sent text/html in place of an image").wait_for()
    sky.get_by_role("button", name="Try again").click()
    sky.get_by_role("img", name="AllWISE").wait_for()

    tabs.get_by_role("button", name="Card").click()
    page.get_by_role("button", name="Names in SIMBAD").click()
    page.get_by_text("V* AB Cyg").wait_for()
    before = len(archive.log)
    page.keyboard.press("j")
    page.get_by_text(f"obsid {sky_server.star + 1}").wait_for(timeout=15_000)
    tabs.get_by_role("button", name="Sky").click()
    sky.get_by_role("button", name="Show image").wait_for()
    assert sky.locator("img").count() == 0
    assert len(archive.log) == before == 4
