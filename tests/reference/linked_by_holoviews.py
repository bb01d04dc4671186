"""The peer: six views of a catalogue linked by ``hv.link_selections`` and rasterized, as users of HoloViews write it.

Run it like the explorer: ``python linked_by_holoviews.py DIR --no-browser --port 0``.
"""

import sys
from pathlib import Path

import holoviews as hv
import panel as pn
from holoviews.operation.datashader import rasterize

from pipeline.products.catalog import Catalog

VIEWS = (
    ("teff", "logg"),
    ("j_phi", "j_tot"),
    ("m_h", "alpha_m"),
    ("sgr_lambda", "sgr_beta"),
    ("sgr_lambda", "distance"),
    ("x_gal", "y_gal"),
)


def page(table):
    """Six linked images."""
    linked = hv.link_selections.instance()
    dataset = hv.Dataset(table)
    views = []
    for x, y in VIEWS:
        points = hv.Points(dataset, kdims=[x, y]).opts(tools=["box_select", "lasso_select"], width=560, height=420)
        views.append(linked(rasterize(points)).opts(hv.opts.Image(width=560, height=420, cmap="viridis")))
    return pn.panel(hv.Layout(views).cols(3))


def main(directory):
    """Serve until interrupted."""
    hv.extension("bokeh")
    names = sorted({name for pair in VIEWS for name in pair})
    table = Catalog.read(Path(directory)).table[names].dropna()
    pn.serve({"/": lambda: page(table)}, port=0, show=False)


if __name__ == "__main__":
    main(sys.argv[1])
