"""Tables sent to other programs through a real SAMP hub."""

import threading
import warnings
from urllib.parse import unquote, urlsplit

import pytest
from astropy.table import Table
from pyvo.samp import SAMPHubServer, SAMPIntegratedClient

from explorer.model.export import export
from explorer.model.samp import LOAD_TABLE, send_table
from explorer.model.selection import Everything, SelectionError


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMP_HUB", (tmp_path / "samp_hub").as_uri().replace("file://", "std-lockurl:file://"))
    running = SAMPHubServer(web_profile=False, lockfile=str(tmp_path / "samp_hub"), addr="127.0.0.1")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def table(library):
    rows = library.table["teff"] < 3900
    return export(library, Everything(), rows, "votable"), int(rows.sum())


@pytest.mark.usefixtures("hub")
def test_a_program_at_the_hub_gets_the_selected_stars(table, tmp_path):
    exported, count = table
    asked, done = {}, threading.Event()
    topcat = SAMPIntegratedClient("A program that takes tables")
    topcat.connect()

    def load(_key, _sender, _mtype, parameters, _extra):
        asked.update(parameters)
        done.set()

    topcat.bind_receive_notification(LOAD_TABLE, load)
    try:
        sentence = send_table(exported, tmp_path / "a folder")
        assert done.wait(10)
    finally:
        topcat.disconnect()
    assert "A program that takes tables" in sentence
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # units of our own in VOTables
        assert len(Table.read(unquote(urlsplit(asked["url"]).path), format="votable")) == count


@pytest.mark.usefixtures("hub")
def test_a_hub_without_a_program_for_tables_is_reported(table, tmp_path):
    with pytest.raises(SelectionError, match="none of its programs accepts tables"):
        send_table(table[0], tmp_path)


def test_without_a_hub_it_says_what_to_start(table, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMP_HUB", (tmp_path / "none").as_uri().replace("file://", "std-lockurl:file://"))
    with pytest.raises(SelectionError, match="start TOPCAT or Aladin"):
        send_table(table[0], tmp_path)


def test_visitors_of_a_server_are_asked_to_download(page):
    page.open()
    assert page.send("list_exports")["exports"]["samp"] is False
    page.run("samp")
    assert "Download the VOTable" in page.sent[-1]["message"]
