"""Histograms of the grid: number, heights and colours of their bars."""

import numpy as np
import pytest
from conftest import Page

from explorer.charts.grid import default_panels
from explorer.model.selection import Everything, InRange
from explorer.state.panels import PanelState, panel_from_dict
from explorer.state.workspace import Workspace

FAR = InRange("distance", 12.0, 1e3)
NEAR = InRange("distance", 0.0, 12.0)


@pytest.fixture
def bars(library, links):
    page = Page(library, links, Workspace(library.table, panels=(PanelState("histogram", x="m_h"),)))
    page.open()
    page.change(selection=FAR)
    return page


def layers_of(page):
    """Bars of all and of the selected stars as they are now on screen."""
    reply = page.look([0])
    return {layer["name"]: layer for layer in reply["layers"]}


def test_bars_can_be_shares_sums_and_as_many_as_wanted(bars):
    bars.send("bins", slot=0, value=25)
    layers = layers_of(bars)
    assert layers["selected"]["edges"].size == 26
    assert np.array_equal(layers["selected"]["heights"], layers["selected"]["counts"])
    bars.send("switch", slot=0, name="normalised", on=True)
    layers = layers_of(bars)
    known = np.isfinite(bars.library.table["m_h"][bars.workspace.rows]).sum()
    assert layers["selected"]["heights"] == pytest.approx(layers["selected"]["counts"] / known)
    assert layers["selected"]["least"] == pytest.approx(1.0 / known)
    bars.send("switch", slot=0, name="cumulative", on=True)
    every = bars.library.table.axis("m_h")
    low = float(np.nanquantile(every, 0.1))
    layer = next(one for one in bars.look([0], window=(low, 0.5, 0.0, 1.0))["layers"] if one["name"] == "everything")
    below = [(every < edge).sum() / np.isfinite(every).sum() for edge in layer["edges"][1:]]
    assert below[0] > 0.1
    assert layer["heights"] == pytest.approx(np.array(below), abs=0.006)
    assert bars.room.stage.charts[0].spec().y.label == "cumulative fraction of stars"
    assert "has no bars" in Page.send(bars_of_plane(bars), "bins", slot=0, value=3)["message"]


def bars_of_plane(bars):
    bars.send("swap", slot=0, view="hr")
    return bars


def test_bars_have_the_colours_of_subsets(bars):
    bars.workspace.define_subset("cool", InRange("teff", 0.0, 3800.0), "#0072b2")
    bars.workspace.define_subset("near", NEAR, "#e69f00")
    bars.send("colour", value="subsets")
    bars.change(selection=Everything())
    parts = {part["name"]: part for part in layers_of(bars)["selected"]["parts"]}
    assert set(parts) <= {"cool", "near", "in none"}
    total = sum(part["counts"] for part in parts.values())
    assert np.array_equal(total, layers_of(bars)["selected"]["counts"])
    values = bars.library.table.axis("m_h")[bars.library.table["teff"] <= 3800]
    edges = layers_of(bars)["selected"]["edges"]
    assert parts["cool"]["counts"].sum() == ((values >= edges[0]) & (values < edges[-1])).sum()
    assert parts["cool"]["colour"] == "#0072b2"
    bars.run("picture", slot=0, form="svg")
    assert b"#e69f00" in bars.sent[-1]["download"]["data"]


def test_default_panels_need_no_bins(library):
    stored = {"view": "histogram", "x": "m_h"}
    assert panel_from_dict(stored) == PanelState("histogram", x="m_h")
    assert all(panel.bins == 0 for panel in default_panels(library, 6))
    with pytest.raises(ValueError, match="bins"):
        panel_from_dict({**stored, "bins": 1000})
