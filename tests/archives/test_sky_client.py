"""Images of the sky and names from a loopback server: right ones, and everything that may come in their place."""

import io
import threading
import time

import numpy as np
import pytest
from faults import Fault
from http_archive import HttpArchive
from PIL import Image
from sky_archive import BLUE, GREEN, RED, picture_reply
from wire import Reply

from pipeline.sources.archives.profile_reading import ArchiveProfileError, load_archives
from pipeline.sources.archives.sky import EmptySkyError, SkyClient, SkyError

RA, DEC = 123.456789, 41.25
ARCMIN = 1 / 60.0


@pytest.fixture
def sky(archive):
    """The services, with a star, one to its North and one to its East."""
    service = archive.add_sky()
    east = RA + 0.3 * ARCMIN / np.cos(np.radians(DEC))
    service.stars = [(RA, DEC, RED), (RA, DEC + 0.3 * ARCMIN, GREEN), (east, DEC, BLUE)]
    service.named = [
        ("* far", "*", RA, DEC + 4 / 3600, "* far|HD 2"),
        ("V* AB  Cyg", "LP*", RA, DEC + 0.5 / 3600, "V* AB Cyg|HD 1|2MASS J0"),
    ]
    return service


@pytest.fixture
def client_of(sky, tmp_path):
    def make(proceed=lambda: None, **changes):
        return SkyClient(load_archives(sky.profile(tmp_path / "sky.toml", **changes)), proceed)

    return make


def pixels_of(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def centre_of(pixels, colour):
    """Middle of the pixels of a colour, in fractions of the image."""
    y, x = np.nonzero(np.abs(pixels - np.array(colour)).sum(axis=2) < 120)
    return (x.mean() + 0.5) / pixels.shape[1], (y.mean() + 0.5) / pixels.shape[0]


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("arcmin", [1, 3])
def test_the_star_is_at_the_centre_north_up_and_east_to_the_left(client_of, sky, form, arcmin):
    sky.form = form
    picture = client_of().image("2mass", RA, DEC, arcmin)
    assert picture.mime == f"image/{form.lower()}"
    pixels = pixels_of(picture.data)
    assert pixels.shape == (480, 480, 3)
    assert centre_of(pixels, RED) == pytest.approx((0.5, 0.5), abs=0.004)
    assert centre_of(pixels, GREEN) == pytest.approx((0.5, 0.5 - 0.3 / arcmin), abs=0.004)
    assert centre_of(pixels, BLUE) == pytest.approx((0.5 - 0.3 / arcmin, 0.5), abs=0.004)


def test_a_request_says_no_more_than_the_position(client_of, archive):
    client_of().image("panstarrs", RA, DEC, 3)
    (request,) = archive.log
    assert request.query["hips"] == "CDS/P/PanSTARRS/DR1/color-i-r-g"
    assert (request.query["ra"], request.query["dec"]) == ("123.456789", "41.250000")
    assert request.headers["user-agent"].startswith("mgiant-explorer/")
    assert not {"cookie", "authorization", "referer", "from", "x-forwarded-for"} & set(request.headers)


def test_names_are_the_nearest_first(client_of, archive):
    near, far = client_of().names(RA, DEC)
    assert (near.name, near.kind, near.others) == ("V* AB Cyg", "LP*", ("HD 1", "2MASS J0"))
    assert (near.separation_arcsec, far.separation_arcsec) == pytest.approx((0.5, 4.0), abs=1e-3)
    (request,) = archive.log
    assert "CIRCLE('ICRS', 123.456789, 41.250000, 0.00138889)" in request.query["QUERY"]


def test_no_names_are_no_error(client_of, sky):
    sky.named = []
    assert client_of().names(RA, DEC) == ()


FAULTS = {
    "not_found": "answered HTTP 404",
    "server_error": "HTTP 500",
    "too_many": "HTTP 429",
    "login_page": "sent text/html in place of an image",
    "json_error": "sent application/json in place of an image",
    "empty": "in place of an image",
    "cut": "the connection ended",
    "reset": "the connection",
    "silent": "nothing arrived for 0.6 s",
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_a_sentence_without_the_address(client_of, archive, kind):
    archive.faults.append(Fault(kind, seconds=3.0))
    with pytest.raises(SkyError) as error:
        client_of(timeout_s=0.6).image("dss2", RA, DEC, 1)
    text = str(error.value)
    assert text.startswith("hips2fits of the CDS, Strasbourg: ")
    assert FAULTS[kind] in text
    assert text.endswith(".")
    assert not {"hips2fits?", "123.45", ".."} & {part for part in ("hips2fits?", "123.45", "..") if part in text}
    assert archive.faults.unused == []


def test_a_slow_drip_is_cut(client_of, archive):
    archive.faults.append(Fault("drip", seconds=16.0))
    begun = time.monotonic()
    with pytest.raises(SkyError, match="a second"):
        client_of(timeout_s=1.0, min_bytes_s=1e6).image("dss2", RA, DEC, 1)
    assert time.monotonic() - begun < 10.0


def test_an_answer_has_a_total_time(client_of, archive, tmp_path):
    archive.faults.append(Fault("drip", seconds=20.0))
    profile = tmp_path / "short.toml"
    profile.write_text("[sky.images]\ntotal_s = 1.0\n")
    client = client_of(min_bytes_s=0.0)
    client.images = load_archives(profile).sky["images"]
    with pytest.raises(SkyError, match="not complete after 1 s"):
        client.image("dss2", RA, DEC, 1)


def noise(*shape):
    return np.random.default_rng(2).integers(0, 255, shape).astype(np.uint8)


WRONG = {
    "of 200 x 480 pixels, not 480 x 480": lambda: picture_reply(noise(480, 200, 3)),
    "of 9000 x 9000 pixels": lambda: picture_reply(np.zeros((9000, 9000), np.uint8), "PNG"),
    "no image that can be decoded": lambda: Reply(200, b"\xff\xd8\xff" + bytes(500), {"Content-Type": "image/jpeg"}),
    "decoded": lambda: Reply(200, picture_reply(noise(480, 480, 3), "PNG").body[:-5000], {"Content-Type": "image/png"}),
    "more than 2,097,152 bytes": lambda: Reply(200, bytes(3 << 20), {"Content-Type": "image/jpeg"}),
    "can be decoded": lambda: Reply(200, b"GIF89a" + bytes(99), {"Content-Type": "image/png"}),
}


@pytest.mark.parametrize("words", WRONG)
def test_bytes_that_are_no_such_image_are_refused(client_of, sky, words):
    sky.instead = WRONG[words]()
    with pytest.raises(SkyError, match=words):
        client_of().image("2mass", RA, DEC, 1)


def test_a_position_that_a_survey_does_not_cover_is_said(client_of, sky):
    sky.instead = picture_reply(np.zeros((480, 480, 3), np.uint8))
    with pytest.raises(EmptySkyError, match=r"^Pan-STARRS DR1 \(g r i\) has no image of this position\.$"):
        client_of().image("panstarrs", RA, -60.0, 1)


def test_a_redirect_to_another_host_is_not_followed(client_of, sky):
    with HttpArchive() as other:
        other.add_sky()
        sky.instead = Reply(302, b"", {"Location": f"{other.url}/hips/hips2fits?ra=1"})
        with pytest.raises(SkyError, match="not followed"):
            client_of().image("2mass", RA, DEC, 1)
        assert len(other.log) == 0, "the coordinates went to another host"


def test_the_user_can_end_a_transfer(client_of, archive):
    archive.faults.append(Fault("drip", seconds=30.0))
    left = threading.Event()

    class LeftError(Exception):
        pass

    def proceed():
        if left.is_set():
            raise LeftError

    client = client_of(proceed)
    threading.Timer(0.5, left.set).start()
    begun = time.monotonic()
    with pytest.raises(LeftError):
        client.image("2mass", RA, DEC, 1)
    assert time.monotonic() - begun < 5.0


def test_without_a_network_there_is_a_sentence(archive, client_of):
    client = client_of()
    archive.stop()
    with pytest.raises(SkyError, match=r"^SIMBAD of the CDS, Strasbourg: the connection failed"):
        client.names(RA, DEC)


@pytest.mark.parametrize("text", ["<html>Sign in</html>", "<VOTABLE>", "{}"])
def test_an_answer_that_is_no_table_is_a_sentence(client_of, sky, monkeypatch, text):
    monkeypatch.setattr(sky, "answer", lambda _: Reply(200, text.encode(), {"Content-Type": "text/xml"}))
    with pytest.raises(SkyError, match=r"^SIMBAD of the CDS, Strasbourg: the service sent"):
        client_of().names(RA, DEC)


def test_a_profile_with_an_unknown_field_is_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[sky.images]\npath = "image?at={place}"\n')
    with pytest.raises(ArchiveProfileError, match="place"):
        SkyClient(load_archives(path))
