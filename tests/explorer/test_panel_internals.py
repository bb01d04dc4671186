"""Canaries: each private name in explorer/panel_internals.py still exists in the library that it belongs to."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import panel as pn
import pytest
from bokeh.document import callbacks
from bokeh.io import doc as current_documents
from bokeh.protocol.messages.error import error
from bokeh.protocol.receiver import Receiver
from bokeh.server.server import BaseServer
from bokeh.server.views.ws import WSHandler
from panel.custom import JSComponent
from tornado.http1connection import HTTP1Connection
from tornado.httpserver import _HTTPRequestContext

from explorer import panel_internals

CANARIES = {
    "_http": lambda: "self._http =" in inspect.getsource(BaseServer),
    "_unapply_xheaders": lambda: callable(_HTTPRequestContext._unapply_xheaders),
    "_apply_xheaders": lambda: callable(_HTTPRequestContext._apply_xheaders),
    "_current_consumer": lambda: "self._current_consumer" in inspect.getsource(Receiver),
    "_HEADER": lambda: callable(Receiver._HEADER),
    "_PATCHED_CURDOCS": lambda: isinstance(current_documents._PATCHED_CURDOCS, list),
}
"""Of names that begin with an underscore."""


def test_every_private_name_has_a_canary():
    text = inspect.getsource(panel_internals)
    assert set(re.findall(r"\w\.(_[A-Za-z]\w*)", text)) == set(CANARIES)


@pytest.mark.parametrize("name", sorted(CANARIES))
def test_private_name_exists(name):
    assert CANARIES[name](), f"a library has changed {name}: see explorer/panel_internals.py"


def test_a_connection_has_the_context_of_its_headers():
    assert "self.context = context" in inspect.getsource(HTTP1Connection)


def test_a_handler_keeps_its_receiver():
    assert re.search(r"self\.receiver\s*[:=]", inspect.getsource(WSHandler))


def test_errors_are_created_with_their_traceback():
    create = inspect.unwrap(error.create)
    assert list(inspect.signature(create).parameters)[:2] == ["request_id", "text"]
    assert "traceback" in inspect.getsource(create)


def test_bokeh_looks_up_the_way_to_make_a_document_current():
    assert callable(current_documents.patch_curdoc)
    assert "from ..io.doc import patch_curdoc" in inspect.getsource(callbacks)


def test_panel_components_have_what_channels_use():
    for name in ("_get_properties", "_send_msg", "_handle_msg"):
        assert callable(getattr(JSComponent, name))


def test_panel_loads_a_bundle_by_its_address():
    script = (Path(pn.__file__).parent / "dist" / "panel.min.js").read_text(encoding="utf-8")
    assert re.search(r'"url"===\w+(?:\.model)?\.bundle', script)
