"""State and data of the explorer without user interface: selections, star table, products, builds.

May import: ``pipeline.products``, ``pipeline.science`` and ``pipeline.domain``; never param, Panel, HoloViews or Bokeh.
"""
