"""The About room, and whole pages."""

import asyncio
import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pandas as pd
import panel as pn
from bokeh.application.handlers.document_lifecycle import DocumentLifecycleHandler
from bokeh.document import Document
from bokeh.server.session import ServerSession
from products_factory import make_products
from vetting_helpers import EVE, make_commands

from explorer.app import build_page, warm_up
from explorer.model.library import open_library
from explorer.model.table import StarTable
from explorer.rooms.about import AboutView
from explorer.rooms.vetting.visit import Visit
from explorer.vetting.store import Store


def test_about_names_everything(library):
    text = AboutView(library).text()
    for words in ("the file ends early", "Teff", "low S/N", "potential", "skipped"):
        assert words in text


def test_page_from_tables_alone_and_deep_links(tmp_path, library, links):
    bare = make_products(
        tmp_path / "bare", 60, spectra=False, drop=("teff", "logg", "v_phi", "j_phi", "j_tot", "alpha_m", "chi2_nu")
    )
    assert build_page(open_library(bare), links) is not None
    warm_up(open_library(bare))
    star = str(library.table["obsid"][2]).encode()
    assert build_page(library, links, {"star": [star]}) is not None
    assert build_page(library, links, {"star": [b"<x>"]}) is not None


def test_nothing_is_left_of_a_page_when_its_visitor_has_gone(library, links):
    left = []

    def come_and_go():
        document = Document()
        page = build_page(library, links, visit=lambda workspace: left.append(weakref.ref(workspace)))
        page.server_doc(document)
        session = ServerSession("a visit", document)
        visit = SimpleNamespace(id=session.id, _document=document)
        with ThreadPoolExecutor(1) as pool:  # Playwright's own loop may run in this thread
            pool.submit(lambda: asyncio.run(DocumentLifecycleHandler().on_session_destroyed(visit))).result()
        session.destroy()
        left.extend((weakref.ref(page), weakref.ref(document)))

    come_and_go()
    gc.collect()
    assert [one() for one in left] == [None, None, None]


def test_nothing_is_left_of_the_rooms_that_a_visitor_entered(compared, links, tmp_path):
    store, left = Store.open(tmp_path / "vetting.sqlite"), []
    commands = make_commands(store, compared)

    def come_and_go():
        document = Document()
        page = build_page(compared, links, visit=lambda workspace: Visit(commands, EVE, "", workspace))
        page.server_doc(document)
        tabs = page.header[0]
        for active in range(len(tabs)):
            tabs.active = active
        rooms = [room for frame in page.main if isinstance(frame, pn.Column) for room in frame]
        assert len(rooms) == len(tabs)
        session = ServerSession("a visit", document)
        visit = SimpleNamespace(id=session.id, _document=document)
        with ThreadPoolExecutor(1) as pool:  # Playwright's own loop may run in this thread
            pool.submit(lambda: asyncio.run(DocumentLifecycleHandler().on_session_destroyed(visit))).result()
        session.destroy()
        left.extend(weakref.ref(one) for one in (page, document, *rooms))

    come_and_go()
    gc.collect()
    assert [one() for one in left] == [None] * len(left)
    store.close()


def test_simulated_data_is_marked(library, links):
    page = build_page(library, links)
    banner = page.main[0].object
    assert "SIMULATED DATA" in banner
    assert library.products.manifest.simulated_note in banner


def test_all_nan_colour_columns_and_quantiles_are_not_offered(library):
    frame = library.products.catalog.table.copy()
    frame["m_h"] = np.float32(np.nan)
    frame["j_r_16"] = frame["teff"]
    names = [declared.name for declared in StarTable.from_frame(frame).colourable()]
    assert "m_h" not in names
    assert "j_r_16" not in names
    assert "teff" in names
    assert isinstance(frame, pd.DataFrame)
