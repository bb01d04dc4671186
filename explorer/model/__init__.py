"""What the explorer thinks about, without a screen: selections, the star table, the library of products, builds.

May import: ``pipeline.products``, ``pipeline.science`` and ``pipeline.domain``; never param, Panel, HoloViews or Bokeh.
"""
