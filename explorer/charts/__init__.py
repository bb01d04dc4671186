"""Functions that build figures: arrays and Columns in, HoloViews elements and Bokeh figures out.

May import: ``explorer.model``, ``pipeline.products`` and ``pipeline.domain``; never ``explorer.state`` or
``explorer.rooms``.
"""
