"""State of one visit as parameters that tests can set without a browser.

May import: ``explorer.model``, ``pipeline.products`` and ``pipeline.domain``; never Panel, HoloViews or Bokeh.
"""
