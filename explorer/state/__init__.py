"""What one visitor looks at, as parameters that tests can set without a browser.

May import: ``explorer.model``, ``pipeline.products`` and ``pipeline.domain``; never Panel, HoloViews or Bokeh.
"""
