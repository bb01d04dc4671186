"""Images of the sky and names in a room without a browser: nothing leaves unasked, everything is checked and kept."""

import asyncio
import io
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(1, str(Path(__file__).parents[1] / "archives"))

from faults import Fault
from http_archive import HttpArchive
from products_factory import make_products
from sky_archive import RED
from vetting_helpers import ANN, EVE, PLAIN, make_commands

from explorer.charts.grid import default_panels
from explorer.charts.sky_marks import BARS_ARCSEC, marks_of
from explorer.config import AppConfig
from explorer.model.library import open_library
from explorer.model.sky import FIELDS_ARCMIN, Sky, SkyError, SkyProfileError, sky_of
from explorer.model.sky_cache import SkyCache
from explorer.model.table import StarTable
from explorer.model.work import SKY
from explorer.rooms.star_sky import ENDED, LEFT, NO_PLACE, OFF, SIMULATED
from explorer.rooms.vetting.vet import VetRoom
from explorer.rooms.vetting.visit import Visit
from explorer.state.workspace import Workspace
from explorer.vetting.store import Store
from pipeline.sources.archives.profile_reading import load_archives


@pytest.fixture(scope="module")
def real_library(tmp_path_factory):
    """Products that do not say that they are simulated."""
    return open_library(make_products(tmp_path_factory.mktemp("real") / "product", 40, spectra=False, simulated=False))


@pytest.fixture
def archive():
    with HttpArchive() as running:
        yield running
        assert running.server.errors == []


@pytest.fixture
def service(archive, real_library):
    table, service = real_library.table, archive.add_sky()
    service.stars = [(float(table["ra"][3]), float(table["dec"][3]), RED)]
    service.named = [("V* AB Cyg", "LP*", float(table["ra"][3]), float(table["dec"][3]), "V* AB Cyg|HD 1")]
    return service


@pytest.fixture
def sky(service, tmp_path):
    return Sky(load_archives(service.profile(tmp_path / "sky.toml")), SkyCache(tmp_path / "sky"))


@pytest.fixture
def page(make_page, real_library, links, sky):
    workspace = Workspace(real_library.table, panels=default_panels(real_library, 2))
    page = make_page(real_library, links, workspace, sky=sky)
    page.send("connect", seen=True)
    page.send("painted")
    return page


def focus(page, row):
    obsid = str(page.library.table["obsid"][row])
    page.send("focus", obsid=obsid)
    return obsid


def image(page, obsid, survey="2mass", field_arcmin=1, number=1):
    return page.ask("sky_image", obsid=obsid, survey=survey, field_arcmin=field_arcmin, number=number)["sky_view"]


def test_nothing_leaves_without_a_click(page, archive):
    setup = next(message["sky_setup"] for message in page.sent if "sky_setup" in message)
    assert [name for name, _ in setup["surveys"]] == ["2mass", "allwise", "dss2", "panstarrs"]
    assert "hips2fits of the CDS" in setup["image_privacy"]
    focus(page, 3)
    page.send("star_step", by=1)
    page.room.star.send_ahead()
    page.open()
    assert len(archive.log) == 0
    image(page, focus(page, 3))
    page.ask("sky_names", obsid=focus(page, 3))
    assert [request.path for request in archive.log] == ["/hips/hips2fits", "/names/sync"]


def test_an_image_comes_with_its_marks_and_is_kept(page, archive):
    obsid = focus(page, 3)
    view = image(page, obsid, number=7)
    assert (view["kind"], view["obsid"], view["number"], view["mime"]) == ("image", obsid, 7, "image/jpeg")
    pixels = np.asarray(Image.open(io.BytesIO(view["data"])).convert("RGB")).astype(int)
    y, x = np.nonzero(np.abs(pixels - np.array(RED)).sum(axis=2) < 120)
    arms = np.array([line[1:] for line in view["strokes"] if line[0] == "cross"])
    middle = arms.reshape(-1, 2).mean(axis=0)
    assert ((x.mean() + 0.5) / 480, (y.mean() + 0.5) / 480) == pytest.approx(tuple(middle), abs=0.004)
    assert "North up and East to the left" in view["about"]
    again = image(page, obsid, number=8)
    assert again["data"] == view["data"]
    assert len(archive.log) == 1


def test_names_come_with_separation_and_day_and_are_kept(page, archive):
    obsid = focus(page, 3)
    for _ in range(2):
        names = page.ask("sky_names", obsid=obsid)["sky_names"]
        assert names["objects"] == [["V* AB Cyg", "LP*", ["HD 1"], "0.00″"]]
        assert "within 5″" in names["source"]
    assert len(archive.log) == 1


def test_without_an_object_the_page_says_so(page, service):
    service.named = []
    names = page.ask("sky_names", obsid=focus(page, 4))["sky_names"]
    assert names["objects"] == []
    assert names["source"].startswith("No object within 5″ of this star; SIMBAD")


def test_a_fault_is_a_sentence_and_trying_again_helps(page, archive):
    obsid = focus(page, 3)
    archive.faults.append(Fault("login_page"))
    view = image(page, obsid)
    assert (view["kind"], view["again"]) == ("sentence", True)
    assert "text/html in place of an image" in view["sentence"]
    archive.faults.append(Fault("not_found"))
    names = page.ask("sky_names", obsid=obsid)["sky_names"]
    assert names == {
        "kind": "sentence",
        "obsid": obsid,
        "sentence": "SIMBAD of the CDS, Strasbourg: the service answered HTTP 404.",
        "again": True,
    }
    assert image(page, obsid)["kind"] == "image"


def test_a_request_for_another_star_or_an_unknown_survey_is_not_sent(page, archive):
    obsid = focus(page, 3)
    other = str(page.library.table["obsid"][4])
    assert image(page, other)["sentence"] == LEFT
    for wrong in ({"survey": "sdss"}, {"field_arcmin": 2}):
        assert page.ask("sky_image", **({"obsid": obsid, "survey": "2mass", "field_arcmin": 1, "number": 1} | wrong))[
            "refused"
        ]
    assert len(archive.log) == 0


def test_a_star_without_coordinates_is_not_asked_for(make_page, real_library, links, sky, archive):
    frame = real_library.products.catalog.table.copy()
    frame["ra"] = np.nan
    page = make_page(real_library, links, Workspace(StarTable.from_frame(frame)), sky=sky)
    obsid = focus(page, 3)
    assert image(page, obsid) == {
        "kind": "sentence",
        "obsid": obsid,
        "number": 1,
        "sentence": NO_PLACE,
        "again": False,
    }
    assert len(archive.log) == 0


def test_simulated_stars_and_a_server_without_it_ask_nothing(make_page, library, real_library, links, sky, archive):
    for shown, given, sentence in ((library, sky, SIMULATED), (library, None, SIMULATED), (real_library, None, OFF)):
        page = make_page(shown, links, Workspace(shown.table), sky=given)
        page.send("connect", seen=True)
        page.send("painted")
        obsid = focus(page, 3)
        setup = next(message["sky_setup"] for message in page.sent if "sky_setup" in message)
        assert (setup["sentence"], setup["surveys"]) == (sentence, [])
        view = image(page, obsid)
        assert (view["sentence"], view["again"]) == (sentence, False)
        assert page.ask("sky_names", obsid=obsid)["sky_names"]["sentence"] == sentence
    assert len(archive.log) == 0


def test_another_star_ends_the_transfer(page, archive):
    archive.faults.append(Fault("drip", seconds=30.0))
    obsid, begun = focus(page, 3), time.monotonic()

    async def leave():
        channel = page.room.channel
        channel._handle_msg({"kind": "sky_image", "obsid": obsid, "survey": "2mass", "field_arcmin": 1, "number": 1})
        await asyncio.sleep(0.6)
        assert len(archive.log) == 1
        before = len(page.sent)
        page.send("focus", obsid=str(page.library.table["obsid"][4]))
        assert time.monotonic() - begun < 5.0, "the gesture waited"
        while channel._tasks:
            await asyncio.gather(*channel._tasks, return_exceptions=True)
        return page.sent[before:]

    sent = asyncio.run(leave())
    assert time.monotonic() - begun < 10.0
    views = [message["sky_view"] for message in sent if "sky_view" in message]
    assert [(view["obsid"], view["sentence"], view["again"]) for view in views] == [(obsid, ENDED, True)]
    while SKY.counts(page.room.channel) != (0, 0):  # it is counted a moment longer than it runs
        assert time.monotonic() - begun < 10.0
        time.sleep(0.02)


def test_one_request_of_a_page_is_under_way_and_the_last_one_counts(page, archive):
    obsid = focus(page, 3)
    archive.faults.append(Fault("slow", seconds=0.6, times=None))

    async def clicks():
        channel = page.room.channel
        for number, survey in enumerate(("2mass", "allwise", "dss2", "panstarrs")):
            field = {"field_arcmin": 3, "number": number}
            channel._handle_msg({"kind": "sky_image", "obsid": obsid, "survey": survey, **field})
            await asyncio.sleep(0.05)
        while channel._tasks:
            await asyncio.gather(*channel._tasks, return_exceptions=True)

    asyncio.run(clicks())
    views = [message["sky_view"] for message in page.sent if "sky_view" in message]
    assert [view["number"] for view in views if view["kind"] == "image"] == [0, 3]
    assert [request.query["hips"].split("/")[2] for request in archive.log] == ["2MASS", "PanSTARRS"]
    assert archive.log.peak_requests() == 1


def test_vet_shows_the_sky_too(real_library, sky, tmp_path, archive):
    store = Store.open(tmp_path / "vetting.sqlite")
    commands = make_commands(store, real_library)
    obsid = int(real_library.table["obsid"][3])
    commands.create_campaign(EVE, "first", [obsid], PLAIN, seed=5)
    room = VetRoom(Visit(commands, ANN, "", Workspace(real_library.table, room="Vet"), sky))
    sent = []
    room.channel.deliver = sent.append
    room.channel._handle_msg({"kind": "connect"})
    assert any(message.get("sky_setup", {}).get("surveys") for message in sent)

    async def ask():
        request = {"obsid": str(obsid), "survey": "dss2", "field_arcmin": 10, "number": 1}
        room.channel._handle_msg({"kind": "sky_image", **request})
        await asyncio.gather(*room.channel._tasks)

    asyncio.run(ask())
    assert sent[-1]["sky_view"]["kind"] == "image"
    assert len(archive.log) == 1
    store.close()


# ---- what is kept ----


def test_a_damaged_file_is_requested_again(sky, archive, real_library, tmp_path):
    ra, dec = (float(real_library.table[name][3]) for name in ("ra", "dec"))
    right = sky.picture("2mass", ra, dec, 1)
    names = sky.names(ra, dec)
    for path in (tmp_path / "sky").iterdir():
        path.write_bytes(path.read_bytes()[:-200])
    assert sky.picture("2mass", ra, dec, 1) == right
    assert sky.names(ra, dec) == names
    assert len(archive.log) == 4


def test_names_are_requested_again_after_a_month(sky, archive, monkeypatch):
    sky.names(10.0, 20.0)
    monkeypatch.setattr("explorer.model.sky.NAMES_KEPT", type(sky.names(10.0, 20.0).day - sky.names(10.0, 20.0).day)(0))
    sky.names(10.0, 20.0)
    assert len(archive.log) == 2


def test_a_failed_request_is_not_kept(sky, archive):
    archive.faults.append(Fault("server_error"))
    with pytest.raises(SkyError):
        sky.picture("2mass", 10.0, 20.0, 1)
    sky.picture("2mass", 10.0, 20.0, 1)
    assert len(archive.log) == 2


def test_the_file_used_longest_ago_is_removed_first(tmp_path):
    cache = SkyCache(tmp_path / "sky", max_bytes=3000)
    for number in range(3):
        cache.put(str(number), bytes(1000))
        os.utime(cache._path(str(number)), (number, number))
    assert cache.get("0") == bytes(1000)  # now the one used last
    cache.put("3", bytes(1000))
    assert [cache.get(str(number)) is not None for number in range(4)] == [True, False, True, True]
    forgotten = tmp_path / "sky" / "x.1.2.part"
    forgotten.write_bytes(b"half")
    os.utime(forgotten, (1, 1))
    cache.put("4", bytes(10))
    assert not forgotten.exists()


def test_several_servers_share_a_folder(tmp_path, caplog):

    def use(start):
        cache = SkyCache(tmp_path / "sky", max_bytes=20_000)
        for number in range(60):
            key = str((start + number) % 40)
            cache.put(key, key.encode() * 1000)
            kept = cache.get(key)
            assert kept is None or kept == key.encode() * 1000

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, (0, 7, 14, 21)))
    assert caplog.text == ""
    assert sum(path.stat().st_size for path in (tmp_path / "sky").iterdir()) <= 24_000


def test_a_folder_that_cannot_be_written_is_no_error(sky, tmp_path, caplog):
    (tmp_path / "sky").write_text("a file")
    assert sky.picture("2mass", 10.0, 20.0, 1).data
    assert sky.picture("2mass", 10.0, 20.0, 3).data
    assert caplog.text.count("cannot be kept") == 1


# ---- the setting ----


def test_it_is_off_unless_the_keeper_switches_it_on(tmp_path, service, capsys):
    home = {"MGIANT_HOME": str(tmp_path / "home")}
    assert sky_of(AppConfig.from_arguments([], home)) is None
    profile = service.profile(tmp_path / "mine.toml")
    on = AppConfig.from_arguments(["--sky-images", "on", "--sky-profile", str(profile)], home)
    assert sky_of(on) is sky_of(on)
    assert sky_of(on).client.image_path("2mass", 1.0, 2.0, 3)
    with pytest.raises(SystemExit):
        AppConfig.from_arguments(["--sky-profile", str(profile)], home)
    assert "--sky-profile has no effect without --sky-images on" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        AppConfig.from_arguments(["--sky-images", "yes"], home)
    assert "'yes' is neither on nor off" in capsys.readouterr().err


def test_a_profile_that_cannot_be_used_names_it(tmp_path):
    broken = tmp_path / "broken.toml"
    broken.write_text('[sky.images]\nendpoint = "x"\n')
    given = ["--sky-images", "on", "--sky-profile", str(broken)]
    with pytest.raises(SkyProfileError, match="endpoint"):
        sky_of(AppConfig.from_arguments(given, {"MGIANT_HOME": str(tmp_path / "home")}))


# ---- marks ----


def lines(marks, kind):
    return [item for item in marks.strokes if item.kind == kind]


def test_every_width_has_a_scale_bar_of_its_length():
    assert set(BARS_ARCSEC) == set(FIELDS_ARCMIN)
    for arcmin, arcsec in BARS_ARCSEC.items():
        (bar,) = lines(marks_of(arcmin, np.nan, np.nan), "bar")
        assert (bar.x1 - bar.x0) * arcmin * 60 == pytest.approx(arcsec)
        assert bar.y0 == bar.y1


@pytest.mark.parametrize(
    ("pmra", "pmdec", "way", "angle"),
    [(0.0, 8.0, (0, -1), 0), (8.0, 0.0, (-1, 0), 90), (0.0, -8.0, (0, 1), 180), (-8.0, 0.0, (1, 0), 270)],
)
def test_the_arrow_leads_where_the_star_goes(pmra, pmdec, way, angle):
    marks = marks_of(3, pmra, pmdec)
    shaft = lines(marks, "motion")[0]
    assert (shaft.x0, shaft.y0) == (0.5, 0.5)
    length = np.hypot(shaft.x1 - 0.5, shaft.y1 - 0.5)
    assert ((shaft.x1 - 0.5) / length, (shaft.y1 - 0.5) / length) == pytest.approx(way, abs=1e-9)
    assert f"position angle {angle}°" in marks.motion
    years = int(marks.motion.split("arrow: ")[1].split(" ")[0].replace(",", ""))
    assert length * 180 == pytest.approx(years * 8.0 / 1000)


@pytest.mark.parametrize("masyr", [0.02, 0.3, 5.0, 400.0, 10_000.0])
@pytest.mark.parametrize("arcmin", FIELDS_ARCMIN)
def test_the_arrow_stays_inside_the_image(masyr, arcmin):
    marks = marks_of(arcmin, masyr, masyr)
    for stroke in marks.strokes:
        assert min(stroke.x0, stroke.y0, stroke.x1, stroke.y1) > 0.0
        assert max(stroke.x0, stroke.y0, stroke.x1, stroke.y1) < 1.0


def test_an_unknown_motion_has_no_arrow():
    for motion in ((np.nan, 1.0), (1.0, np.nan)):
        marks = marks_of(1, *motion)
        assert (lines(marks, "motion"), marks.motion) == ([], "")
    assert lines(marks_of(1, 0.0, 0.0), "motion") == []
