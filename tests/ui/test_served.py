"""Rebuilt and damaged products while a page is open."""

import json
import shutil
import urllib.error
import urllib.request
from dataclasses import replace

import pytest
from driver import Server, brush, colour_by, colour_of
from products_factory import make_products

from pipeline.products.manifest import Manifest

pytestmark = pytest.mark.browser

NEWER = "A newer build of this catalogue is available"


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("builds")
    first, second = make_products(folder / "first", 400), make_products(folder / "second", 420, seed=4)
    replace(Manifest.read(second), created="2099-01-31T12:00:00+00:00").write(second)  # else of the same second
    return first, second


@pytest.fixture
def served(builds, tmp_path):
    """The first build behind a link, as builds are published."""
    product = tmp_path / "product"
    product.symlink_to(shutil.copytree(builds[0], tmp_path / "version-1"))
    server = Server(str(product), environment={"MGIANT_HOME": str(tmp_path / "home")})
    yield server, product
    server.stop()


def health(server):
    try:
        with urllib.request.urlopen(server.url + "health", timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_a_newer_build_is_shown_by_a_button_with_everything_kept(visit, builds, served, tmp_path):
    server, product = served
    explorer = visit("?star=100000007", at=server)
    page = explorer.page
    explorer.wait_for_spectrum()
    page.get_by_role("button", name="Back", exact=True).click()
    explorer.wait_for_views()
    _, count = brush(explorer)
    colour_by(page, "m_h")
    assert health(server)[1]["product"]["rebuilt"] is False

    (tmp_path / "next").symlink_to(shutil.copytree(builds[1], tmp_path / "version-2"))
    (tmp_path / "next").replace(product)
    shutil.rmtree(tmp_path / "version-1")
    page.get_by_text(NEWER).wait_for(timeout=40_000)
    assert explorer.count_text() == count, "nobody is taken away who is at work"
    page.wait_for_timeout(400)
    page.screenshot(path=str(tmp_path / "newer.png"))
    status, document = health(server)
    assert (status, document["product"]["rebuilt"], document["product"]["stars"]) == (200, True, 420)
    page.keyboard.press("j")
    explorer.wait_for_spectrum()
    assert page.get_by_text("is not shown").count() == 0

    fresh = visit(at=server)
    fresh.wait_for_views()
    assert fresh.page.get_by_text("of 420", exact=False).first.is_visible()
    assert fresh.page.get_by_text(NEWER).count() == 0

    page.get_by_role("button", name="Open the newer build").click()
    page.get_by_text(NEWER).wait_for(state="detached", timeout=30_000)
    explorer.wait_for_views()
    assert colour_of(page) == "m_h"
    assert "of 420" in explorer.count_text().replace("\n", " ")
    assert explorer.count_text() != count
    assert not explorer.count_text().startswith("420"), "the selection is kept"
    assert "link=" not in page.url
    noticed = [line for line in server.lines if "newer build" in line]
    assert len(noticed) == 1


def test_a_damaged_file_is_named_and_its_spectra_vanish(visit, served):
    server, product = served
    explorer = visit("?star=100000007", at=server)
    page = explorer.page
    explorer.wait_for_spectrum()
    path = product / "spectra" / "flux.npy"
    right = path.read_bytes()
    path.write_bytes(b"")
    page.get_by_role("alert").filter(has_text="Spectra of this page are no longer shown").wait_for(timeout=20_000)
    page.get_by_text("The spectrum of obsid 100000007 is not shown").wait_for(timeout=10_000)
    status, document = health(server)
    assert status == 503
    assert "flux.npy" in document["product"]["problems"][0]
    path.write_bytes(right)
    page.get_by_text("Spectra of this page are no longer shown").wait_for(state="detached", timeout=20_000)
    explorer.wait_for_spectrum()
    assert health(server)[0] == 200
    assert any("flux.npy" in line for line in server.lines)
    server.lines.clear()  # the log speaks of the damage
