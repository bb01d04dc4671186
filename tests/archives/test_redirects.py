"""Redirects and certificates: where a request may go, and with what."""

import pytest
import requests
from fetches import quick_service
from wire import Reply, Server, text_reply

from pipeline.sources.archives.fetching import ItemError, ServiceError
from pipeline.sources.archives.polite_session import polite_session
from pipeline.sources.archives.transport import MAX_REDIRECTS, Transport

TOKEN = "token-of-a-test"


@pytest.fixture
def servers():
    """Two sites: the first redirects as the path says, the second answers."""
    running = []

    def first(request):
        target = {
            "/same": "/end",
            "/relative": "end",
            "/other": f"{running[1].url}/end",
            "/leak": f"{running[1].url}/end?next=token%3D{TOKEN}",
            "/circle": "/circle",
            "/page": "/login",
        }.get(request.path)
        if target:
            return Reply(302, b"moved", {"Location": target, "Set-Cookie": "session=1"})
        return text_reply("first")

    running += [Server(first, 0), Server(lambda _request: text_reply("second"), 0)]
    yield running
    for server in running:
        server.stop()


def got(servers, path, **changes):
    transport = Transport(quick_service(servers[0].url, **changes))
    try:
        return transport.get(path, lambda answer: answer.body(100))
    finally:
        transport.close()


@pytest.mark.parametrize(("path", "body"), [("same", b"first"), ("relative", b"first"), ("other", b"second")])
def test_redirects_are_followed(servers, path, body):
    assert got(servers, path) == body
    ended = [request for server in servers for request in server.log if request.path == "/end"]
    assert len(ended) == 1
    assert not {"cookie", "referer", "authorization"} & ended[0].headers.keys()


def test_a_token_is_sent_to_its_own_site_only(servers, monkeypatch):
    monkeypatch.setenv("TEST_TOKEN", TOKEN)
    assert got(servers, "same", token_variable="TEST_TOKEN") == b"first"
    assert [request.query for request in servers[0].log] == [{"token": TOKEN}] * 2
    assert got(servers, "other", token_variable="TEST_TOKEN") == b"second"
    assert [request.query for request in servers[1].log] == [{}]
    with pytest.raises(ServiceError, match=r"redirects to .* with the token; not followed") as caught:
        got(servers, "leak", token_variable="TEST_TOKEN")
    assert TOKEN not in str(caught.value)
    assert len(servers[1].log) == 1


def test_a_circle_ends(servers):
    with pytest.raises(ServiceError, match=r"redirects in a circle"):
        got(servers, "circle")
    assert len(servers[0].log) == MAX_REDIRECTS + 1


def test_a_redirect_that_is_not_encrypted_is_not_followed():
    transport = Transport(quick_service("https://archive.example"))
    assert transport._redirected("https://archive.example/a", "https://other.example/b") == "https://other.example/b"
    with pytest.raises(Exception, match=r"redirects to http://other\.example, which is not encrypted; not followed"):
        transport._redirected("https://archive.example/a", "http://other.example/b")
    with pytest.raises(Exception, match=r"redirects to ftp://other\.example"):
        transport._redirected("https://archive.example/a", "ftp://other.example/b")


def test_certificates_are_verified_and_a_wrong_one_is_not_tried_again(monkeypatch):
    service = quick_service("https://archive.example")
    assert polite_session(service).verify is True
    verified = []
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)

    def refuse(_self, _request, **options):
        verified.append(options["verify"])
        raise requests.exceptions.SSLError("certificate verify failed: self-signed certificate")

    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", refuse)
    with pytest.raises(ItemError, match=r"The certificate of https://archive\.example is not valid: .*self-signed"):
        Transport(service).get("a", lambda answer: answer)
    assert verified == [True]


def test_passwords_of_the_home_folder_are_not_sent(servers, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hidden\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert requests.utils.get_netrc_auth(servers[0].url) == ("me", "hidden")
    got(servers, "end")
    assert "authorization" not in servers[0].log[0].headers
